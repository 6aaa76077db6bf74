-- command KILL: by handle, by name, of what does not exist, and texts that are no address
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function() end)
	return
end

conf.run(function()
	local function count(...)
		return select("#", ...), ...
	end
	local a, b = conf.peer "peer", conf.peer "peer"
	core.command("NAME", string.format(".b :%x", b))
	conf.out(count(core.command("KILL", string.format(":%x", a))))
	conf.try("a", skynet.send, a, "lua")
	conf.out(count(core.command("KILL", ".b")))
	conf.try("b", skynet.send, b, "lua")
	conf.out("name is gone", core.command("QUERY", ".b"))
	conf.out(count(core.command("KILL", ":7fffff")))
	conf.out(count(core.command("KILL", ".nosuch")))
	conf.out(count(core.command("KILL", "something")))
	conf.out(count(core.command("KILL", "12")))
end)
