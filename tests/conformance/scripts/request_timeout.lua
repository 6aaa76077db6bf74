-- select with a timeout: what is late is not reported, and its answer does no harm
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	conf.serve {
		sleep = function(ti)
			skynet.sleep(ti)
			return ti
		end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local r = skynet.request { p, "lua", "sleep", 1 } { p, "lua", "sleep", 150 }
	for _, resp in r:select(80) do
		conf.out("in time", resp[1])
	end
	conf.out("timeout", r.timeout)
	local s = skynet.request { p, "lua", "sleep", 1 } { p, "lua", "sleep", 2 }
	for _, resp in s:select(1000) do
		conf.out("then break", resp[1])
		break
	end
	conf.out("timeout", s.timeout)
	local t = skynet.request { p, "lua", "sleep", 1 }
	conf.try("error in the loop", function()
		for _ in t:select() do
			error "left"
		end
	end)
	skynet.sleep(100)
	conf.out("tasks", skynet.task())
end)
