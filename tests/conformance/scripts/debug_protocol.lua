-- the debug protocol: commands that answer
-- log: own
-- compare: sizes
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		skynet.info_func(function(...)
			return "info", ...
		end)
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "hang" then
				skynet.wait {}
			end
			skynet.ret()
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local function ask(...)
		return skynet.call(p, "debug", ...)
	end
	conf.out("MEM", math.type(ask "MEM"))
	local stat = ask "STAT"
	conf.out("STAT", stat.task, stat.mqlen, math.type(stat.cpu), math.type(stat.message))
	conf.out("INFO", ask("INFO", 1, "two"))
	conf.out("PING", select("#", ask "PING"))
	conf.out("SUPPORT", ask("SUPPORT", "lua"), ask("SUPPORT", "text"), ask("SUPPORT", "debug"))
	conf.out("TASK", ask "TASK")
	skynet.fork(pcall, skynet.call, p, "lua", "hang")
	skynet.yield()
	local tasks, n = ask "TASK", 0
	for k, v in pairs(tasks) do
		n = n + 1
		conf.out("task", k:match "^thread: 0x%x+ session: %d+$" ~= nil, v:match "^stack traceback:")
	end
	conf.out("tasks", n, ask("STAT").task)
	conf.out("TASK init", ask("TASK", "init"))
	conf.out("TASK number", ask("TASK", 12345))
	for k in pairs(ask "UNIQTASK") do
		conf.out("UNIQTASK", (k:gsub("%[%d+%]", "[n]")))
	end
	conf.out("KILLTASK", ask("KILLTASK", "nosuch"))
	conf.out("KILLTASK", ask("KILLTASK", "thread"))
	conf.out("TRACELOG", select("#", ask("TRACELOG", true)))
	conf.out("TRACELOG", select("#", ask("TRACELOG", "lua", false)))
	conf.try("TRACELOG of what is unknown", ask, "TRACELOG", "nosuch", true)
	conf.try("unknown", ask, "NOSUCH")
end)
