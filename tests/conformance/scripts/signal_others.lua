-- signals: 1 logs the memory, others only that they came; addresses
-- compare: sizes
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"

if ... == "peer" then
	skynet.start(function()
		core.command("REG", ".peer")
		skynet.dispatch("lua", function()
			skynet.ret()
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local address = skynet.address(p)
	conf.out(core.command("SIGNAL", address .. " 1"))
	conf.out(core.command("SIGNAL", address .. " 2"))
	conf.out(core.command("SIGNAL", address .. " 0x10"))
	conf.out(core.command("SIGNAL", address .. " 010"))
	conf.out(core.command("SIGNAL", ".peer 1"))
	conf.out(core.command("SIGNAL", ":7fffff 1"))
	conf.out(core.command("SIGNAL", "nonsense"))
	skynet.call(p, "lua")
end)
