-- unpack: of a key that comes twice in a stream, or again behind the array part, the last value counts
-- log: no
local conf = require "conf"
local core = require "skynet.core"

local function stream(array, ...)
	local parts = { string.char(6 + 8 * #array) }
	for _, v in ipairs(array) do
		parts[#parts + 1] = core.packstring(v)
	end
	parts[#parts + 1] = core.packstring(...)
	return table.concat(parts) .. "\0"
end

local function filled(n)
	local t = {}
	for i = 1, n do
		t[i] = i
	end
	return t
end

conf.run(function()
	conf.out("twice", core.unpack(stream({}, "a", 1, "b", 2, "a", 3)).a)
	conf.out("three times", core.unpack(stream({}, 1.5, "x", 1.5, "y", 1.5, "z"))[1.5])
	local t = core.unpack(stream({ 7, 8 }, 1, 9, "k", "v", 2, false))
	conf.out("array", t[1], t[2], t.k)
	t = core.unpack(stream(filled(30), 30, "last", 1, "first"))
	conf.out("long array", t[1], t[2], t[30], #t)
	conf.out("float key", core.unpack(stream({ "i" }, 1.0, "f"))[1])
end)
