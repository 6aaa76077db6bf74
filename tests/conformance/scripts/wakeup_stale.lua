-- wakeup twice before the sleeper runs: the second wakes the next sleep on the same token
-- log: no
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local token = {}
	local left = true
	skynet.fork(function()
		conf.out("first", skynet.sleep(1000, token))
		conf.out("second", skynet.sleep(1000, token))
		conf.out("third", skynet.sleep(1, token))
		left = false
	end)
	skynet.yield()
	conf.out(skynet.wakeup(token), skynet.wakeup(token))
	conf.await(function()
		return not left
	end)
end)
