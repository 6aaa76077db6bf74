-- memlimit: an allocation beyond it is an error that may be caught
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.memlimit(4 * 1024 * 1024)
	conf.out("gone", skynet.memlimit)
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, n)
			local ok, err = pcall(string.rep, "x", n)
			skynet.ret(skynet.pack(ok, not ok and err))
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	conf.out("small", skynet.call(p, "lua", 1000))
	conf.out("large", skynet.call(p, "lua", 64 * 1024 * 1024))
	conf.out("small again", skynet.call(p, "lua", 100000))
	conf.try("here it is too late", function()
		return type(skynet.memlimit)
	end)
end)
