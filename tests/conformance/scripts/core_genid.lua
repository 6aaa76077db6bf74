-- genid: session numbers count up by one, and share one counter with everything else
-- log: no
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

conf.run(function()
	local a = skynet.genid()
	conf.out("next", skynet.genid() - a, core.genid() - a)
	skynet.sleep(0)
	conf.out("after a sleep", skynet.genid() - a)
	skynet.timeout(0, function() end)
	conf.out("after a timeout", skynet.genid() - a)
	skynet.send(skynet.self(), "lua")
	conf.out("after a send", skynet.genid() - a)
	conf.out("type", math.type(a))
end)
