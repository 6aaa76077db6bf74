-- memory: a warning at 32 MB and at every doubling, once each
-- compare: sizes
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, mega)
			local s = ("x"):rep(mega * 1024 * 1024)
			local n = #s
			s = nil
			collectgarbage()
			skynet.ret(skynet.pack(n, s))
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	conf.out(skynet.call(p, "lua", 1))
	conf.out(skynet.call(p, "lua", 40))
	conf.out(skynet.call(p, "lua", 40))
	conf.out(skynet.call(p, "lua", 70))
	conf.out(skynet.call(p, "lua", 40))
end)
