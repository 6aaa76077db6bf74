-- skynet.debug: commands of one's own; built-in ones win
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local debug_commands = require "skynet.debug"

if ... == "peer" then
	debug_commands.reg_debugcmd("MINE", function(...)
		skynet.ret(skynet.pack("mine", ...))
	end)
	debug_commands.reg_debugcmd("PING", function()
		skynet.ret(skynet.pack "not called")
	end)
	skynet.start(function() end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	conf.out(skynet.call(p, "debug", "MINE", 1, 2))
	conf.out("PING", select("#", skynet.call(p, "debug", "PING")))
end)
