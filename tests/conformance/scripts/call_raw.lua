-- rawcall: packed bytes go out, a pointer and a size come back
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	conf.serve {
		echo = function(...)
			return ...
		end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local msg, sz = skynet.rawcall(p, "lua", skynet.pack("echo", 1, "x"))
	conf.out(type(msg), sz, skynet.unpack(msg, sz))
	local m2, s2 = skynet.rawcall(p, "lua", skynet.packstring("echo", "from a string"))
	conf.out(s2, skynet.unpack(m2, s2))
	conf.try("unreachable", skynet.rawcall, 0x7fffff, "lua", skynet.pack "x")
	conf.try("fails", skynet.rawcall, p, "lua", skynet.pack "nosuch")
	local empty, zero = skynet.rawcall(p, "lua", skynet.pack "echo")
	conf.out("empty", type(empty), zero)
end)
