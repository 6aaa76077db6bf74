-- Values at the borders of the wire format arrive as they were sent.
local skynet = require "skynet"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")

local function again(...)
	return skynet.unpack(skynet.packstring(...))
end

kit.case("integers at every width boundary", function()
	for bits = 0, 63 do
		for d = -1, 1 do
			for _, v in ipairs { (1 << bits) + d, -(1 << bits) + d } do
				local r = again(v)
				kit.ok(r == v and math.type(r) == "integer", "integer " .. v)
			end
		end
	end
	kit.equal(again(math.mininteger), math.mininteger)
	kit.equal(again(math.maxinteger), math.maxinteger)
end)

kit.case("floats keep their bits", function()
	for _, v in ipairs { 0.0, 1.0, -1.5, math.huge, -math.huge, 2.0 ^ 53, 5e-324, 1.7976931348623157e308 } do
		local r = again(v)
		kit.ok(r == v and math.type(r) == "float", "float " .. v)
	end
	kit.ok(1 / again(-0.0) == -math.huge, "-0.0")
	local nan = again(0 / 0)
	kit.ok(nan ~= nan, "nan")
end)

kit.case("strings of every length, with NUL and invalid UTF-8", function()
	for _, n in ipairs { 0, 1, 30, 31, 32, 33, 255, 256, 65534, 65535, 65536, 65537, 1 << 20 } do
		local s = string.rep("\0\xff\xc0x", n // 4 + 1):sub(1, n)
		kit.ok(again(s) == s, "string of " .. n)
	end
end)

kit.case("tables with every count of elements and pairs", function()
	for _, n in ipairs { 0, 1, 11, 12, 13, 15, 16, 17, 30, 31, 32, 63, 64, 65, 300, 70000 } do
		local array, map = {}, {}
		for i = 1, n do
			array[i] = i
			map["k" .. i] = { i }
		end
		kit.ok(#again(array) == n, "array of " .. n)
		local r, count = again(map), 0
		for k, v in pairs(r) do
			count = count + 1
			if map[k][1] ~= v[1] then
				kit.ok(false, "value of " .. k)
			end
		end
		kit.ok(count == n, "map of " .. n)
	end
end)

kit.case("nil keeps its place", function()
	kit.equal(table.pack(again(nil, 1, nil, nil, 2, nil)), table.pack(nil, 1, nil, nil, 2, nil))
end)

kit.case("tables too deep or cyclic are errors, and nothing is sent", function()
	local cyclic = {}
	cyclic.self = cyclic
	local deep = {}
	for _ = 1, 100 do
		deep = { deep }
	end
	for _, t in ipairs { cyclic, deep } do
		kit.raises("serialize can't pack too depth table", skynet.packstring, t)
		kit.raises("serialize can't pack too depth table", skynet.call, skynet.self(), "lua", t)
	end
	kit.equal(skynet.mqlen(), 0)
end)

kit.case("what has no form on the wire is an error", function()
	kit.raises("Unsupport type function to serialize", skynet.packstring, print)
	kit.raises("Unsupport type thread to serialize", skynet.packstring, { coroutine.create(print) })
	kit.raises("Unsupport type userdata to serialize", skynet.packstring, io.stdout)
end)

kit.case("ten thousand nested tables are read", function()
	local data = string.rep("\x0e", 10000) .. "\x06" .. string.rep("\0", 10001)
	local t, depth = skynet.unpack(data), 0
	while t do
		t, depth = t[1], depth + 1
	end
	kit.equal(depth, 10001)
end)

kit.case("a million nested tables and absurd counts are errors", function()
	kit.raises("", skynet.unpack, string.rep("\x0e", 1000000))
	kit.raises("Invalid serialize stream", skynet.unpack, "\xfe\x22\xff\xff\xff\x7f")
	kit.raises("Invalid serialize stream", skynet.unpack, "\x25\xff\xff\xff\xffx")
end)

kit.run()
