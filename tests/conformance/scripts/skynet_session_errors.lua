-- ERROR messages with sessions that nobody waits for, and with session 0
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"

conf.run(function()
	local self = skynet.self()
	conf.out(core.send(self, skynet.PTYPE_ERROR, 0, ""))
	conf.out(core.send(self, skynet.PTYPE_ERROR, 999, ""))
	core.redirect(self, 0x123456, skynet.PTYPE_ERROR, 0, "")
	skynet.yield()
	conf.out("alive", skynet.task())
end)
