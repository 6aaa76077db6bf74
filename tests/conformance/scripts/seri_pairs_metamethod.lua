-- pack: tables with __pairs are written by iterating
-- log: no
local conf = require "conf"
local core = require "skynet.core"

conf.run(function()
	local function with(pairs)
		return setmetatable({ 1, 2, hidden = true }, { __pairs = pairs })
	end
	local listed = with(function()
		local items = { { "a", 1 }, { "b", nil }, { 3, "c" } }
		local i = 0
		return function()
			i = i + 1
			if items[i] then
				return items[i][1], items[i][2]
			end
		end
	end)
	local s = core.packstring(listed)
	conf.out(conf.hex(s), core.unpack(s))
	local s2 = core.packstring(with(function(t)
		return next, t, nil
	end))
	conf.out(#s2, core.unpack(s2))
	conf.try("error in __pairs", core.packstring, with(function()
		error("no pairs", 0)
	end))
	conf.try("error in the iterator", core.packstring, with(function()
		return function()
			error({ code = 3 }, 0)
		end
	end))
	conf.try("not callable", core.packstring, with(false))
	conf.try("number", core.packstring, with(1))
	conf.try("yields", function()
		core.packstring(with(function()
			coroutine.yield "SUSPEND"
		end))
	end)
end)
