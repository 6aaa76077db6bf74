-- commands that do not exist, and the rule by which the parameter is passed
-- log: own
local conf = require "conf"
local core = require "skynet.core"

conf.run(function()
	local function count(...)
		return select("#", ...), ...
	end
	conf.try("unknown", function()
		return count(core.command "NOSUCH")
	end)
	conf.try("lower case", function()
		return count(core.command("getenv", "thread"))
	end)
	conf.try("number as parameter", function()
		return count(core.command("GETENV", 12))
	end)
	conf.try("table as parameter", core.command, "GETENV", {})
	conf.try("no command", core.command)
	conf.try("nil as parameter", core.command, "GETENV", nil)
end)
