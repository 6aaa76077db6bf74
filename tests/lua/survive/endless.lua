-- An endless loop is broken by signal 0; its caller gets an error and the service lives on. A signal to an idle service does
-- not take the next message.
local skynet = require "skynet"
local core = require "skynet.core"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")

if ... == "target" then
	local command = {}
	function command.loop() while true do end end
	function command.nested()
		local co = coroutine.wrap(function() while true do end end)
		co()
	end
	function command.guarded() while true do pcall(function() while true do end end) end end
	function command.ping() return "pong" end
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd) skynet.retpack(command[cmd]()) end)
	end)
	return
end

for _, what in ipairs { "loop", "nested" } do
	kit.case("signal 0 breaks a loop: " .. what, function()
		local target = skynet.newservice("endless", "target")
		skynet.fork(function()
			skynet.sleep(5)
			core.command("SIGNAL", skynet.address(target) .. " 0")
		end)
		kit.raises("call failed", skynet.call, target, "lua", what)
		kit.equal(skynet.call(target, "lua", "ping"), "pong")
		skynet.kill(target)
	end)
end

kit.case("a signal to an idle service takes no message", function()
	local target = skynet.newservice("endless", "target")
	core.command("SIGNAL", skynet.address(target))
	kit.equal(skynet.call(target, "lua", "ping"), "pong")
	skynet.kill(target)
end)

kit.run()
