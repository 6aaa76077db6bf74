-- Calls to services that are gone, never were, or go while they are asked: the caller gets an error, never a hang.
local skynet = require "skynet"
require "skynet.manager"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")

if ... == "target" then
	local kept
	local command = {}
	function command.exit() skynet.exit() end
	function command.exit_later() skynet.sleep(2) skynet.exit() end
	function command.sleep() skynet.sleep(100000) end
	function command.keep() kept = skynet.response() end
	function command.busy() local t = skynet.now() + 5 while skynet.now() < t do end return "done" end
	function command.call(_, addr) skynet.call(addr, "lua", "sleep") end
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd, ...)
			if cmd == "keep" then command.keep() else skynet.retpack(command[cmd](cmd, ...)) end
		end)
	end)
	return
end

local function target()
	return skynet.newservice("dead_calls", "target")
end

kit.case("a handle that never was", function()
	kit.raises("call to invalid address :00ffffff", skynet.call, 0xffffff, "lua", "x")
	kit.equal(skynet.send(0xffffff, "lua", "x"), nil)
end)

kit.case("a name that never was", function()
	kit.raises("call to invalid address .nobody", skynet.call, ".nobody", "lua", "x")
end)

kit.case("a service that was killed", function()
	local t = target()
	skynet.kill(t)
	kit.raises("call", skynet.call, t, "lua", "busy")
end)

for _, how in ipairs { "exit", "exit_later" } do
	kit.case("a service that leaves while it serves: " .. how, function()
		kit.raises("call failed", skynet.call, target(), "lua", how)
	end)
end

for _, what in ipairs { "sleep", "keep" } do
	kit.case("a service that is killed while it serves: " .. what, function()
		local t = target()
		skynet.fork(function()
			skynet.sleep(2)
			skynet.kill(t)
		end)
		kit.raises("call failed", skynet.call, t, "lua", what)
	end)
end

kit.case("a service that is killed with requests in its queue", function()
	local t = target()
	local left, me = 20, {}
	for i = 1, 20 do
		skynet.fork(function()
			pcall(skynet.call, t, "lua", "busy")
			left = left - 1
			if left == 0 then
				skynet.wakeup(me)
			end
		end)
	end
	skynet.fork(skynet.kill, t)
	skynet.wait(me)
	kit.equal(left, 0)
end)

kit.case("a service that is killed while it calls: the callee serves on", function()
	local a, b = target(), target()
	skynet.send(a, "lua", "call", b)
	skynet.yield()
	skynet.kill(a)
	kit.equal(skynet.call(b, "lua", "busy"), "done")
	skynet.kill(b)
end)

kit.run()
