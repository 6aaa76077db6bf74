-- Requests that are answered twice, never, late, or by somebody else.
local skynet = require "skynet"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")

if ... == "target" then
	local command = {}
	function command.twice()
		skynet.retpack(1)
		local ok, err = pcall(skynet.retpack, 2)
		skynet.fork(skynet.send, ".reporter", "lua", ok, err)
	end
	function command.twice_response()
		local r = skynet.response()
		r(true, 1)
		local ok, err = pcall(r, true, 2)
		skynet.fork(skynet.send, ".reporter", "lua", ok, err)
	end
	function command.never() end
	function command.ping() skynet.retpack "pong" end
	function command.huge() skynet.ret(skynet.pack(string.rep("x", 1 << 20))) end
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd) command[cmd]() end)
	end)
	return
end

local reported
local function report()
	local r = {}
	reported = r
	skynet.wait(r)
	return table.unpack(r, 1, 2)
end

local target
kit.case("the second answer is an error at its sender, the first one stands", function()
	for cmd, text in pairs { twice = "No session", twice_response = "Can't response more than once" } do
		kit.equal(skynet.call(target, "lua", cmd), 1)
		local ok, err = report()
		kit.equal(ok, false)
		kit.contains(err, text)
	end
end)

kit.case("a request that is never answered leaves the service usable, and its caller can be freed", function()
	local co = skynet.fork(skynet.call, target, "lua", "never")
	skynet.yield()
	kit.equal(skynet.call(target, "lua", "ping"), "pong")
	kit.equal(skynet.killthread(co), co)
end)

kit.case("a large answer", function()
	kit.equal(#skynet.call(target, "lua", "huge"), 1 << 20)
end)

kit.run(function()
	require "skynet.manager".register ".reporter"
	skynet.dispatch("lua", function(_, _, ok, err)
		while not reported do
			skynet.yield()
		end
		local r = reported
		reported = nil
		r[1], r[2] = ok, err
		skynet.wakeup(r)
	end)
	target = skynet.newservice("answers", "target")
end)
