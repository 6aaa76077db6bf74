-- core.send: what is accepted as destination, type, session and payload
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

conf.run(function()
	local self = skynet.self()
	skynet.dispatch("lua", function(session, source, ...)
		conf.out("got", session, source == self, ...)
	end)
	local text = core.packstring "text"
	conf.try("number", core.send, self, 10, 0, text)
	conf.try("numeric string", core.send, tostring(self), 10, 0, text)
	conf.try("float", core.send, self + 0.0, 10, 0, text)
	conf.try("hex string", core.send, skynet.address(self), 10, 0, text)
	conf.try("zero", core.send, 0, 10, 0, text)
	conf.try("fraction", core.send, 1.5, 10, 0, text)
	conf.try("nil", core.send, nil, 10, 0, text)
	conf.try("table", core.send, {}, 10, 0, text)
	conf.try("boolean", core.send, true, 10, 0, text)
	conf.try("payload nil", core.send, self, 10, 0, nil)
	conf.try("payload number", core.send, self, 10, 0, 12)
	conf.try("payload table", core.send, self, 10, 0, {})
	conf.try("payload absent", core.send, self, 10, 0)
	conf.try("pointer without size", core.send, self, 10, 0, (core.pack(1)))
	skynet.sleep(2)
end)
