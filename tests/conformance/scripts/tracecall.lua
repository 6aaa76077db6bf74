-- tracecall: a rawcall with a tag of one's own
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, ...)
			conf.out("tag", skynet.tracetag())
			skynet.ret(skynet.pack(...))
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local msg, sz = skynet.tracecall("my-tag", p, "lua", skynet.pack(1, 2))
	conf.out(skynet.unpack(msg, sz))
	conf.try("unreachable", skynet.tracecall, "my-tag", 0x7fffff, "lua", skynet.pack(1))
end)
