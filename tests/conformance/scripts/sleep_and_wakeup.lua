-- sleep: nothing when the time is over, BREAK when woken
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	conf.out("slept", select("#", skynet.sleep(1)), skynet.sleep(1))
	local co = coroutine.running()
	skynet.fork(function()
		conf.out("wakeup", skynet.wakeup(co))
	end)
	conf.out("woken", skynet.sleep(1000))
	local token = {}
	skynet.fork(function()
		conf.out("by token", skynet.wakeup(token))
	end)
	conf.out("woken", skynet.sleep(1000, token))
	skynet.timeout(1, function()
		skynet.wakeup(co)
	end)
	conf.out("by a timeout", skynet.sleep(1000))
	conf.out("yield", select("#", skynet.yield()))
	conf.out("negative", select("#", skynet.sleep(-5)))
	conf.out("fraction", conf.err(select(2, pcall(skynet.sleep, 1.5))):match "number has no integer representation")
	conf.try("text", skynet.sleep, "1")
end)
