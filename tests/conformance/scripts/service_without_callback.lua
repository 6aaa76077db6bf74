-- a service that never calls start: it is there, deaf, and calls to it hang
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"

if ... == "deaf" then
	skynet.error "no start"
	return
end

conf.run(function()
	local address = core.command("LAUNCH", "snlua " .. SERVICE_NAME .. " deaf")
	conf.logged "no start"
	local answered = false
	skynet.fork(function()
		pcall(skynet.call, address, "lua", "x")
		answered = true
	end)
	conf.out("send", skynet.send(address, "lua", "y"))
	skynet.sleep(10)
	conf.out("answered", answered)
	core.command("KILL", address)
	skynet.sleep(5)
	conf.out("after the kill", answered)
end)
