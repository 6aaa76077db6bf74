-- core.send: the allocate-session flag in the type, and types beyond the predefined ones
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

skynet.register_protocol {
	name = "mine",
	id = 200,
	pack = skynet.pack,
	unpack = skynet.unpack,
}

conf.run(function()
	local self = skynet.self()
	skynet.dispatch("mine", function(session, _, ...)
		conf.out("mine", session ~= 0, ...)
	end)
	local text = core.packstring "text"
	local before = core.genid()
	conf.out("allocated", core.send(self, 200 | 0x20000, 0, text) - before)
	conf.out("plain", core.send(self, 200, 0, text))
	conf.out("type is masked", core.send(self, 200 | 0x100, 0, text))
	skynet.sleep(2)
end)
