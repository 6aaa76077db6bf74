-- fork: order of creation, before other messages, after wake-ups; nested forks behind
-- log: no
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	skynet.timeout(0, function()
		conf.out "timeout 0"
	end)
	for i = 1, 3 do
		skynet.fork(function(...)
			conf.out("fork", i, ...)
			skynet.fork(function()
				conf.out("nested", i)
			end)
		end, i, nil, "arg", nil)
	end
	conf.out "main goes on"
	local co = coroutine.running()
	skynet.fork(function()
		conf.out("wake", skynet.wakeup(co))
		conf.out "waker goes on"
	end)
	skynet.fork(conf.out, "after the waker")
	skynet.wait()
	conf.out "woken"
	skynet.yield()
	conf.out("counts", (function(...)
		return select("#", ...)
	end)(nil, nil))
end)
