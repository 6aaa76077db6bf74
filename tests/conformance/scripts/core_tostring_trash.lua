-- core.tostring and core.trash: what they take
-- log: no
local conf = require "conf"
local core = require "skynet.core"

conf.run(function()
	local msg, sz = core.pack("abc", 1)
	conf.out(conf.hex(core.tostring(msg, sz)))
	conf.out("part", conf.hex(core.tostring(msg, 2)))
	conf.out("nothing", select("#", core.tostring()), select("#", core.tostring(nil)))
	core.trash(msg, sz)
	conf.try("string", core.trash, "text")
	conf.try("number", core.trash, 1)
	conf.try("nil", core.trash, nil)
	conf.try("table", core.trash, {})
	local m2 = core.pack(1)
	conf.try("no size", core.trash, m2)
	core.trash(m2, 2)
	local m3, s3 = core.pack()
	conf.out("empty pack", type(m3), s3)
	core.trash(m3, s3)
end)
