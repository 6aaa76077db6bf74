-- an error in a woken coroutine is reported; other wake-ups and forks of the turn still happen
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local a, b = {}, {}
	skynet.fork(function()
		skynet.wait(a)
		error("a fails", 0)
	end)
	skynet.fork(function()
		skynet.wait(b)
		conf.out "b runs"
	end)
	skynet.yield()
	skynet.wakeup(a)
	skynet.wakeup(b)
	skynet.fork(conf.out, "the fork")
	skynet.yield()
	conf.out "main"
end)
