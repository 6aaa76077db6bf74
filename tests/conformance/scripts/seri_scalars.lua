-- pack: nil, booleans, several values, none
-- log: no
local conf = require "conf"
local core = require "skynet.core"

conf.run(function()
	local function show(...)
		local s = core.packstring(...)
		conf.out(conf.hex(s), select("#", core.unpack(s)), core.unpack(s))
	end
	show()
	show(nil)
	show(true, false)
	show(1, nil, "x", nil)
	show(nil, nil, nil)
	conf.out(select("#", core.unpack()), select("#", core.unpack(nil)), select("#", core.unpack ""))
	local msg, sz = core.pack(1, "a")
	conf.out(sz, core.unpack(msg, sz))
	conf.out("shorter", core.unpack(msg, 2))
	core.trash(msg, sz)
	conf.try("no size", core.unpack, msg)
	conf.try("number", core.unpack, 1, 0)
	conf.try("number of bytes", core.unpack, 1, 1)
end)
