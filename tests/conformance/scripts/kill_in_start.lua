-- a service killed while it starts: newservice of it fails
-- log: own
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

if ... == "peer" then
	skynet.start(function()
		skynet.register ".starting"
		skynet.sleep(10000)
	end)
	return
end

conf.run(function()
	local me = {}
	skynet.fork(function()
		conf.try("newservice", conf.peer, "peer")
		skynet.wakeup(me)
	end)
	conf.await(function()
		return skynet.localname ".starting"
	end)
	skynet.kill(skynet.localname ".starting")
	skynet.wait(me)
	conf.out("name", skynet.localname ".starting")
end)
