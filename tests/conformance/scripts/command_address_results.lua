-- addresscommand and intcommand: which results make a value
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

conf.run(function()
	local function count(...)
		return select("#", ...), ...
	end
	conf.out("REG", core.addresscommand "REG" == skynet.self())
	conf.out("QUERY", math.type(core.addresscommand("QUERY", ".launcher")))
	conf.out("QUERY nothing", count(core.addresscommand("QUERY", ".nosuch")))
	conf.out("not an address", count(core.addresscommand("GETENV", "thread")))
	conf.try("int of a number", core.intcommand, "GETENV", "thread")
	conf.try("int of an address", core.intcommand, "REG")
	conf.try("int of nothing", function()
		return count(core.intcommand("GETENV", "conformance_none"))
	end)
	conf.try("table", core.intcommand, "TIMEOUT", {})
	conf.try("nil", core.intcommand, "TIMEOUT", nil)
	conf.out("STARTTIME", core.intcommand "STARTTIME" == skynet.starttime())
end)
