-- a callback that raises: what the report shows for each kind of error value
-- log: own
local conf = require "conf"
local core = require "skynet.core"

if ... == "raw" then
	local with_text = setmetatable({}, { __tostring = function()
		return "text of a table"
	end })
	core.callback(function(_, msg, sz)
		local what = core.unpack(msg, sz)
		if what == "string" then
			error("plain", 0)
		elseif what == "number" then
			error(42)
		elseif what == "table" then
			error {}
		elseif what == "tostring" then
			error(with_text)
		elseif what == "multiline" then
			error("one\ntwo\n\nthree", 0)
		end
		core.error("still alive", what)
	end)
	core.send(".launcher", 10, 0, core.packstring "LAUNCHOK")
	return
end

local skynet = require "skynet"

conf.run(function()
	local p = conf.bare_peer "raw"
	for _, what in ipairs { "string", "number", "table", "tostring", "multiline", "none" } do
		skynet.send(p, "lua", what)
	end
	conf.logged "still alive none"
end)
