-- the debug protocol: GC is sent, and logs what it won
-- compare: sizes durations
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function()
			skynet.ret()
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	conf.out(skynet.send(p, "debug", "GC"))
	skynet.call(p, "lua")
	conf.logged "GC "
end)
