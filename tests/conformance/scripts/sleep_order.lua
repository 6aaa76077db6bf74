-- sleep, timeout and yield of equal time: order of creation; zero and negative go through the queue
-- log: no
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local left, me = 0, {}
	local function note(what)
		left = left + 1
		return function()
			conf.out(what)
			left = left - 1
			if left == 0 then
				skynet.wakeup(me)
			end
		end
	end
	skynet.timeout(0, note "timeout 0 a")
	skynet.timeout(-1, note "timeout -1")
	skynet.timeout(0, note "timeout 0 b")
	skynet.fork(note "fork a")
	skynet.fork(function()
		local n = note "yielded"
		skynet.yield()
		n()
	end)
	skynet.fork(note "fork b")
	skynet.timeout(30, note "timeout 30")
	skynet.timeout(10, note "timeout 10 a")
	skynet.timeout(10, note "timeout 10 b")
	skynet.timeout("10", note "timeout 10 c")
	skynet.timeout(20, note "timeout 20")
	skynet.wait(me)
end)
