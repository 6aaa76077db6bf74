-- pack: floats keep their subtype and every bit
-- log: no
local conf = require "conf"
local core = require "skynet.core"

conf.run(function()
	for _, v in ipairs { 1.0, 0.0, -0.0, 1.5, -2.25, 1e100, 2 ^ 53, 1 / 0, -1 / 0, 5e-324, 3.0e-5 } do
		local s = core.packstring(v)
		local back = core.unpack(s)
		conf.out(conf.hex(s), math.type(back), back == v)
	end
	local nan = core.unpack(core.packstring(0 / 0))
	conf.out("nan", nan ~= nan)
end)
