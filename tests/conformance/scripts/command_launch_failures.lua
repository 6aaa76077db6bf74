-- command LAUNCH: a module that does not exist, and one whose init fails
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

conf.run(function()
	local function count(...)
		return select("#", ...), ...
	end
	conf.out("no module", count(core.command("LAUNCH", "conformance_nosuch")))
	conf.out("no module with arguments", count(core.command("LAUNCH", "conformance_nosuch a b")))
	conf.out("init fails", count(core.command("LAUNCH", "logger /nosuch/directory/file")))
	conf.try("newservice of it", skynet.call, ".launcher", "lua", "LAUNCH", "conformance_nosuch")
	conf.out("a logger of one's own", (core.command("LAUNCH", "logger"):gsub("%x+$", "handle")))
end)
