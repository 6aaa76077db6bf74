-- skynet.monitor: a service that is told of every exit
-- log: no
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

if ... == "peer" then
	conf.serve {
		exit = function()
			skynet.exit()
		end,
	}
	return
end

conf.run(function()
	local m = skynet.monitor "exit_watcher"
	conf.out("set", skynet.call(m, "lua", "wait", 0))
	local a, b = conf.peer "peer", conf.peer "peer"
	skynet.kill(a)
	skynet.send(b, "lua", "exit")
	local seen = skynet.call(m, "lua", "wait", 2)
	conf.out(seen[1] == a, seen[2] == b)
	conf.out("same service", skynet.monitor("exit_watcher", true) == m)
end)
