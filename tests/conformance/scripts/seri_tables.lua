-- pack: arrays, maps, both, the array sizes that need a count
-- log: no
local conf = require "conf"
local core = require "skynet.core"

local function array(n)
	local t = {}
	for i = 1, n do
		t[i] = i
	end
	return t
end

conf.run(function()
	for _, t in ipairs { {}, { 1, 2 }, { a = 1 }, { [0] = 1 }, { 1, 2, x = true }, { { {} } }, { [1.5] = "f" }, { [-1] = 2 },
		{ [true] = false }, { [2 ^ 53] = 1 } } do
		local s = core.packstring(t)
		conf.out(conf.hex(s), core.unpack(s))
	end
	for _, n in ipairs { 30, 31, 32, 255, 256, 300, 70000 } do
		local s = core.packstring(array(n))
		local back = core.unpack(s)
		conf.out(n, #s, conf.hex(s:sub(1, 6)), #back, back[n])
	end
end)
