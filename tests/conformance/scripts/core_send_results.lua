-- core.send: what comes back when it is delivered, unreachable or too large
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

conf.run(function()
	local self = skynet.self()
	skynet.dispatch("lua", function(session, _, ...)
		conf.out("got", session, ...)
	end)
	local text = core.packstring "text"
	conf.try("session 0", core.send, self, 10, 0, text)
	conf.try("session 77", core.send, self, 10, 77, text)
	conf.try("session -5", core.send, self, 10, -5, text)
	local first = core.send(self, 10, nil, text)
	local second = core.send(self, 10, nil, text)
	conf.out("allocated", second - first)
	conf.try("no such handle", core.send, 0xffffff, 10, 0, text)
	conf.try("no such name", core.send, ".nosuch", 10, 0, text)
	conf.try(":0", core.send, ":0", 10, 0, text)
	conf.try(":zz", core.send, ":zz", 10, 0, text)
	conf.try(":0 empty", core.send, ":0", 10, 0, "")
	local msg, sz = core.pack(1)
	conf.try("negative size", core.send, self, 10, 0, msg, -sz)
	local before = core.genid()
	core.send(".nosuch", 10, nil, text)
	conf.out("sessions after an unknown name", core.genid() - before)
	before = core.genid()
	core.send(0xffffff, 10, nil, text)
	conf.out("sessions after an unknown handle", core.genid() - before)
	skynet.sleep(2)
end)
