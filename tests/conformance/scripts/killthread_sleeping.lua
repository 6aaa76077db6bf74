-- killthread of a sleeper and of a timeout: the late timer is reported as an unknown session
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local co = skynet.fork(function()
		skynet.sleep(3)
		conf.out "never"
	end)
	skynet.yield()
	conf.out("sleeper", skynet.killthread(co) == co)
	local t = skynet.timeout(3, function()
		conf.out "never"
	end)
	conf.out("timeout", skynet.killthread(t) == t)
	skynet.sleep(10)
end)
