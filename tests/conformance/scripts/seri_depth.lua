-- pack: how deep tables may nest
-- log: no
local conf = require "conf"
local core = require "skynet.core"

local function nest(n, leaf, key)
	local t = leaf
	for _ = 1, n do
		t = { [key] = t }
	end
	return t
end

local function depth(t, key)
	local n = 0
	while type(t) == "table" do
		t = t[key]
		n = n + 1
	end
	return n
end

conf.run(function()
	for _, key in ipairs { 1, "k" } do
		for n = 30, 35 do
			conf.try(key .. " " .. n, function()
				return depth(core.unpack(core.packstring(nest(n, 1, key))), key)
			end)
			conf.try(key .. " " .. n .. " empty", function()
				return depth(core.unpack(core.packstring(nest(n - 1, {}, key))), key)
			end)
		end
	end
	local cycle = {}
	cycle[1] = cycle
	conf.try("cycle", core.packstring, cycle)
	local deep = string.rep("\6\12a", 200) .. "\2" .. string.rep("\0", 200)
	conf.out("decoding has no limit", depth(core.unpack(deep), "a"))
end)
