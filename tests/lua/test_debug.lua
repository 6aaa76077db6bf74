-- Protocol debug

local skynet = require "skynet"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

if ... == "peer" then
	require "skynet.debug".reg_debugcmd("TEST_ADD", function(a, b)
		skynet.retpack(a + b)
	end)
	require "skynet.debug".reg_debugcmd("MEM", function()
		skynet.retpack "replaced"
	end)
	kit.serve {
		with_info = function() skynet.info_func(function(...) return "info", ... end) end,
		fork_waiting = function(n)
			for _ = 1, n do
				skynet.fork(skynet.wait, {})
			end
		end,
	}
	return
end

local peer

local function dbg(...)
	return skynet.call(peer, "debug", ...)
end

kit.case("PING is answered with nothing", function()
	kit.equal(select("#", dbg "PING"), 0)
end)

kit.case("MEM is the Lua memory in KB", function()
	local kb = dbg "MEM"
	kit.equal(math.type(kb), "float")
	kit.ok(kb > 10 and kb < 1000)
end)

kit.case("STAT counts tasks, messages and time", function()
	local stat = dbg "STAT"
	kit.equal({ stat.task, stat.mqlen }, { 0, 0 })
	kit.ok(stat.message > 0)
	kit.equal(math.type(stat.cpu), "float")
end)

kit.case("TASK lists the blocked coroutines and their stacks", function()
	skynet.call(peer, "lua", "fork_waiting", 2)
	local tasks = dbg "TASK"
	local n = 0
	for name, stack in pairs(tasks) do
		n = n + 1
		local session = tonumber(string.match(name, "^thread: 0x%x+ session: (%d+)$"))
		kit.contains(stack, "stack traceback:")
		kit.equal(dbg("TASK", session), stack)
	end
	kit.equal(n, 2)
	kit.equal(dbg("TASK", 123456), "No session")
	kit.equal(dbg("TASK", "init"), nil)
end)

kit.case("UNIQTASK joins equal stacks", function()
	local key = next(dbg "UNIQTASK")
	kit.contains(key, "2\tsessions:")
end)

kit.case("KILLTASK kills the first task whose name matches", function()
	kit.equal(dbg("KILLTASK", "thread"), nil)
	kit.equal(dbg("STAT").task, 1)
	kit.equal(dbg("KILLTASK", "no such thread"), "Not found")
	dbg("KILLTASK", "thread")
	kit.equal(dbg("STAT").task, 0)
end)

kit.case("INFO asks the service's own function", function()
	kit.equal(dbg "INFO", nil)
	skynet.call(peer, "lua", "with_info")
	kit.equal({ dbg("INFO", 1, 2) }, { "info", 1, 2 })
end)

kit.case("RUN runs a text and returns what it prints", function()
	kit.equal({ dbg("RUN", "print(SERVICE_NAME, ...) print(type(_P.lua))", "a.lua", 1, 2) },
		{ true, SERVICE_NAME .. "\t1\t2\ntable" })
	kit.equal({ dbg("RUN", "print 'x' error 'oops'", "a.lua") }, { false, "x\na.lua:1: oops" })
end)

kit.case("SUPPORT tells whether a protocol has a handler", function()
	kit.equal(dbg("SUPPORT", "lua"), true)
	kit.equal(dbg("SUPPORT", "response"), false)
	kit.equal(dbg("SUPPORT", "nosuch"), false)
end)

kit.case("own commands can be added, but built-in ones not replaced", function()
	kit.equal(dbg("TEST_ADD", 1, 2), 3)
	kit.equal(type(dbg "MEM"), "number")
end)

kit.case("an unknown command fails", function()
	kit.raises("call failed", dbg, "NOSUCH")
end)

kit.case("TRACELOG wants a known protocol", function()
	kit.equal(select("#", dbg("TRACELOG", false)), 0)
	kit.equal(select("#", dbg("TRACELOG", "debug")), 0)
	kit.raises("call failed", dbg, "TRACELOG", "nosuch", true)
end)

kit.case("GC collects the garbage", function()
	-- Garbage that does not go away by itself in a young collection cannot be made for sure: look at the log only.
	skynet.send(peer, "debug", "GC")
	kit.ok(dbg "MEM")
end)

kit.case("LINK fails when the service exits", function()
	local token, ok = {}, nil
	skynet.fork(function()
		ok = pcall(dbg, "LINK")
		skynet.wakeup(token)
	end)
	skynet.yield()
	kit.equal(ok, nil)
	kit.raises("call failed", dbg, "EXIT")
	if ok == nil then
		skynet.wait(token)
	end
	kit.equal(ok, false)
end)

kit.case("TERM makes calls to a service that is gone fail", function()
	-- To itself: a call to a service that hangs, and its death announced by a debug message.
	local hanging = kit.peer "peer"
	local token, err = {}, nil
	skynet.fork(function()
		err = select(2, pcall(skynet.call, hanging, "debug", "LINK"))
		skynet.wakeup(token)
	end)
	skynet.yield()
	skynet.send(skynet.self(), "debug", "TERM", hanging)
	skynet.wait(token)
	kit.contains(err, "call failed")
end)

kit.run(function()
	peer = kit.peer "peer"
end)
