-- skynet.send and rawsend: results, unknown protocols and addresses
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local self = skynet.self()
	skynet.dispatch("lua", function(session, source, ...)
		conf.out("got", session, source == self, ...)
	end)
	conf.try("send", skynet.send, self, "lua", 1, "two")
	conf.try("rawsend", skynet.rawsend, self, "lua", skynet.pack "raw")
	conf.try("rawsend string", skynet.rawsend, self, "lua", skynet.packstring "raw string")
	conf.try("unreachable", skynet.send, 0x7fffff, "lua")
	conf.try("unknown name", skynet.send, ".nosuch", "lua")
	conf.try("unknown protocol", skynet.send, self, "nosuch", 1)
	conf.try("nil address", skynet.send, nil, "lua", 1)
	conf.try("zero", skynet.send, 0, "lua", 1)
	conf.try("unpackable", skynet.send, self, "lua", print)
	conf.try("by number of the protocol", skynet.send, self, 10, "numbered")
	skynet.sleep(2)
end)
