-- launcher: LIST, KILL, STAT, MEM, QUERY, unknown commands
-- log: no
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function() end)
	return
end

conf.run(function()
	local p = conf.peer("peer", "a", "b")
	local function launcher(...)
		return skynet.call(".launcher", "lua", ...)
	end
	conf.out("LIST", launcher "LIST")
	conf.out("lower case", (launcher "list")[skynet.address(p)])
	local stat = launcher("STAT")[skynet.address(p)]
	local keys = {}
	for k, v in pairs(stat) do
		keys[k] = type(v)
	end
	conf.out("STAT", keys)
	conf.out("MEM", (launcher("MEM")[skynet.address(p)]:gsub("^[%d.]+", "n")))
	conf.out("GC", (launcher("GC")[skynet.address(p)]:gsub("^[%d.]+", "n")))
	conf.out("QUERY", launcher("QUERY", 12345))
	conf.out("unknown", launcher "NOSUCH")
	conf.out("KILL", launcher("KILL", p))
	conf.out("LIST", (launcher "LIST")[skynet.address(p)])
	conf.out("KILL of the dead", launcher("KILL", p))
	local q = conf.peer "peer"
	conf.out("KILL by text", launcher("KILL", skynet.address(q)))
	conf.try("no command", skynet.call, ".launcher", "lua")
end)
