-- call: a service may call itself, also nested
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	skynet.dispatch("lua", function(_, source, n)
		if n == 0 then
			skynet.ret(skynet.pack "bottom")
		else
			skynet.ret(skynet.pack(n, skynet.call(source, "lua", n - 1)))
		end
	end)
	conf.out(skynet.call(skynet.self(), "lua", 5))
end)
