-- command MONITOR: exits are told as CLIENT messages whose source is the leaving service
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

if ... == "peer" then
	conf.serve {
		exit = function()
			skynet.exit()
		end,
	}
	return
end

conf.run(function()
	local gone = {}
	skynet.register_protocol {
		name = "client",
		id = skynet.PTYPE_CLIENT,
		unpack = function(_, sz)
			return sz
		end,
		dispatch = function(session, source, sz)
			gone[#gone + 1] = { session, skynet.address(source), sz }
		end,
	}
	conf.out("unset", core.command "MONITOR")
	conf.out("set", core.command("MONITOR", skynet.address(skynet.self())))
	conf.out("now", core.addresscommand "MONITOR" == skynet.self())
	local a, b = conf.peer "peer", conf.peer "peer"
	skynet.kill = nil
	core.command("KILL", skynet.address(a))
	skynet.send(b, "lua", "exit")
	conf.await(function()
		return #gone == 2
	end)
	conf.out(gone)
	conf.out("clear", core.command("MONITOR", ":0"), core.command "MONITOR")
end)
