-- the debug protocol: LINK fails when the service exits, EXIT makes it exit
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function() end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local me = {}
	skynet.fork(function()
		conf.try("LINK", skynet.call, p, "debug", "LINK")
		skynet.wakeup(me)
	end)
	skynet.yield()
	conf.out("PING", pcall(skynet.call, p, "debug", "PING"))
	skynet.send(p, "debug", "EXIT")
	skynet.wait(me)
	conf.try("EXIT", skynet.call, conf.peer "peer", "debug", "EXIT")
end)
