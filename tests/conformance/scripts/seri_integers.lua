-- pack: integers at every width boundary, as bytes
-- log: no
local conf = require "conf"
local core = require "skynet.core"

conf.run(function()
	local values = {
		0, 1, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		math.maxinteger, -1, -128, -129, -255, -256, -32768, -65536, -0x80000000, -0x80000001, math.mininteger,
	}
	for _, v in ipairs(values) do
		local s = core.packstring(v)
		local back = core.unpack(s)
		conf.out(v, conf.hex(s), back == v and math.type(back))
	end
end)
