-- pack and unpack: a large mixed table comes back the same
-- log: no
local conf = require "conf"
local core = require "skynet.core"

local function same(a, b)
	if type(a) ~= type(b) or math.type(a) ~= math.type(b) then
		return false
	elseif type(a) ~= "table" then
		return a == b
	end
	for k, v in pairs(a) do
		if not same(v, b[k]) then
			return false
		end
	end
	for k in pairs(b) do
		if a[k] == nil then
			return false
		end
	end
	return true
end

conf.run(function()
	local t = {}
	for i = 1, 500 do
		t[i] = { id = i, text = ("t"):rep(i), half = i / 2, neg = -i * 100003, [i * 7] = { i, { i } }, flag = i % 2 == 0 }
	end
	t.extra = { [""] = 1, ["\0"] = 2 }
	local s = core.packstring(t)
	conf.out("same", same(t, core.unpack(s)), #s > 100000)
	local many = {}
	for i = 1, 200 do
		many[i] = i
	end
	conf.out("values", select("#", core.unpack(core.packstring(table.unpack(many)))))
end)
