-- task: number of blocked coroutines, tables, single sessions, threads, "init"
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		conf.out("init is a traceback", type(skynet.task "init"), (skynet.task "init"):match "^stack traceback:")
		skynet.dispatch("lua", function()
			skynet.ret()
		end)
	end)
	return
end

conf.run(function()
	conf.peer "peer"
	conf.out("init afterwards", skynet.task "init")
	conf.out("tasks", skynet.task())
	local a, b = {}, {}
	local co = skynet.fork(skynet.wait, a)
	skynet.fork(skynet.sleep, 10000, b)
	skynet.yield()
	conf.out("tasks", skynet.task())
	local t = {}
	skynet.task(t)
	local n = 0
	for k, v in pairs(t) do
		n = n + 1
		if not (k:match "^thread: 0x%x+ session: %d+$" and v:match "^stack traceback:") then
			conf.out("odd entry", k, v)
		end
	end
	conf.out("listed", n)
	local session = skynet.task(co)
	conf.out("session of a thread", math.type(session))
	conf.out("by session", (skynet.task(session):match "^stack traceback:"))
	conf.out("no session", skynet.task(0x7000000))
	conf.out("not blocked", select("#", skynet.task(coroutine.running())))
	skynet.wakeup(a)
	skynet.wakeup(b)
	skynet.yield()
	conf.out("tasks", skynet.task())
end)
