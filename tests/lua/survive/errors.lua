-- A service that errors in its start function, in a handler, in a fork, in a timer, with error objects of every kind.
local skynet = require "skynet"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")

local role = ...
if role == "start" then
	skynet.start(function() error "in start" end)
	return
elseif role == "chunk" then
	error "in the main chunk"
elseif role == "target" then
	local command = {}
	function command.text() error "boom" end
	function command.table() error { code = 1 } end
	function command.none() error() end
	function command.raising_tostring()
		error(setmetatable({}, { __tostring = function() error "tostring raises" end }))
	end
	function command.closing()
		local guard <close> = setmetatable({}, { __close = function() error "close raises too" end })
		error "with a guard"
	end
	function command.fork()
		skynet.fork(error, "in a fork")
		return "answered"
	end
	function command.timer()
		skynet.timeout(0, function() error "in a timer" end)
		return "answered"
	end
	function command.ping() return "pong" end
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd) skynet.retpack(command[cmd]()) end)
	end)
	return
end

kit.case("a failing start function fails newservice", function()
	kit.raises("call failed", skynet.newservice, "errors", "start")
end)

kit.case("a failing main chunk fails newservice", function()
	kit.raises("call failed", skynet.newservice, "errors", "chunk")
end)

kit.case("a missing script fails newservice", function()
	kit.raises("call failed", skynet.newservice, "no_such_service")
end)

for _, what in ipairs { "text", "table", "none", "raising_tostring", "closing" } do
	kit.case("the caller of a failing handler gets an error: " .. what, function()
		local target = skynet.newservice("errors", "target")
		kit.raises("call failed", skynet.call, target, "lua", what)
		kit.equal(skynet.call(target, "lua", "ping"), "pong")
		skynet.kill(target)
	end)
end

for _, what in ipairs { "fork", "timer" } do
	kit.case("a service survives an error in a " .. what, function()
		local target = skynet.newservice("errors", "target")
		kit.equal(skynet.call(target, "lua", what), "answered")
		kit.equal(skynet.call(target, "lua", "ping"), "pong")
		skynet.kill(target)
	end)
end

kit.run()
