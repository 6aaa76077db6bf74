-- core.error: how arguments become one line
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

conf.run(function()
	core.error()
	core.error "plain"
	core.error("several", 1, 2.5, true, nil, "end")
	core.error("%s %d %%")
	core.error("tab\tnewline\nsecond line")
	core.error(setmetatable({}, { __tostring = function()
		return "by __tostring"
	end }))
	core.error((tostring(setmetatable({}, { __name = "Named" })):gsub("0x%x+", "address")))
	core.error ""
	core.error "  blanks around  "
	core.error(("long "):rep(100))
	skynet.error("skynet.error", "too")
	conf.try("__tostring of another type", core.error, setmetatable({}, { __tostring = function()
		return 1
	end }))
end)
