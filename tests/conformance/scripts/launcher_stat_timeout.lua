-- launcher: STAT and MEM with a timeout name the services that do not answer
-- log: no
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"

if ... == "deaf" then
	skynet.send(".launcher", "lua", "LAUNCHOK")
	core.callback(function() end)
	return
end

conf.run(function()
	local p = conf.bare_peer "deaf"
	local address = skynet.address(p)
	conf.out("STAT", skynet.call(".launcher", "lua", "STAT", 30)[address])
	conf.out("MEM", skynet.call(".launcher", "lua", "MEM", 30)[address])
	core.command("KILL", address)
	conf.out("STAT", skynet.call(".launcher", "lua", "STAT", 30)[address])
	conf.out("MEM", skynet.call(".launcher", "lua", "MEM", 30)[address])
end)
