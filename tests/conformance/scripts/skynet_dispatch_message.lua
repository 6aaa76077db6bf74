-- dispatch_message: the raw entry, called by hand
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	skynet.dispatch("lua", function(session, source, ...)
		conf.out("request", session, source, ...)
		skynet.fork(conf.out, "fork of the handler")
	end)
	local msg, sz = skynet.pack("by", "hand")
	skynet.fork(function()
		conf.out "before"
	end)
	skynet.dispatch_message(10, msg, sz, 0, 12345)
	skynet.trash(msg, sz)
	conf.out "after"
end)
