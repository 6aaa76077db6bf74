-- pack: shared tables are written twice, metatables and __index are not seen
-- log: no
local conf = require "conf"
local core = require "skynet.core"

conf.run(function()
	local shared = { 1 }
	local a, b = table.unpack(core.unpack(core.packstring { shared, shared }))
	conf.out("twice", a ~= b, a[1], b[1])
	local t = setmetatable({ 1 }, {
		__index = function()
			return "ghost"
		end,
		__len = function()
			return 10
		end,
	})
	local s = core.packstring(t)
	local back = core.unpack(s)
	conf.out(conf.hex(s), back, getmetatable(back))
end)
