-- LOGON and LOGOFF: what the message log of a service holds
-- log: own
-- config: logpath = TMP
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

if ... == "peer" then
	conf.serve {
		echo = function(...)
			return ...
		end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local address = skynet.address(p)
	local name = skynet.getenv "logpath" .. "/" .. address:sub(2) .. ".log"
	os.remove(name)
	conf.out(core.command("LOGON", address))
	conf.out("again", core.command("LOGON", address))
	skynet.send(p, "lua", "echo", 1)
	skynet.call(p, "lua", "echo", "text", { 1 })
	core.send(p, 3, 0, "")
	skynet.call(p, "lua", "echo")
	conf.out(core.command("LOGOFF", address))
	conf.out("again", core.command("LOGOFF", address))
	conf.out("the dead", core.command("LOGON", ":7fffff"))
	for text in io.lines(name) do
		local line = text:gsub("^(open time:) %d+ .*", "%1 now date"):gsub("^(close time:) %d+", "%1 now")
		line = line:gsub("^(:%x+ %d+ %d+) %d+", "%1 now")
		conf.out("<" .. line .. ">")
	end
	os.remove(name)
end)
