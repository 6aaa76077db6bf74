-- pack: values that cannot be written
-- log: no
local conf = require "conf"
local core = require "skynet.core"

conf.run(function()
	conf.try("function", core.packstring, print)
	conf.try("Lua function", core.packstring, function() end)
	conf.try("thread", core.packstring, coroutine.create(print))
	conf.try("userdata", core.packstring, io.stdout)
	conf.try("inside a table", core.packstring, { 1, print })
	conf.try("as a key", core.packstring, { [print] = 1 })
	conf.try("pack", core.pack, 1, print)
	conf.out("still works", conf.hex(core.packstring(1)))
end)
