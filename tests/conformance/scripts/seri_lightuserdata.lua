-- pack: light userdata goes through as it is
-- log: no
local conf = require "conf"
local core = require "skynet.core"

conf.run(function()
	local msg, sz = core.pack "abc"
	local s = core.packstring(msg, sz)
	conf.out(#s, conf.hex(s:sub(1, 1)))
	local p, n = core.unpack(s)
	conf.out(type(p), p == msg, n, core.unpack(p, n))
	core.trash(msg, sz)
end)
