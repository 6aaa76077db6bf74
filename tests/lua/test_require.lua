-- skynet.require and skynet.init

local skynet = require "skynet"

local steps = {}

if ... == "peer" then
	steps[#steps + 1] = "main chunk"
	skynet.init(function()
		skynet.sleep(1)
		steps[#steps + 1] = "first init"
	end)
	skynet.init(function()
		steps[#steps + 1] = "second init"
	end)
	skynet.start(function()
		steps[#steps + 1] = "start"
		skynet.dispatch("lua", function()
			skynet.retpack(steps)
		end)
	end)
	return
end

local kit = dofile(SERVICE_PATH .. "test_kit.lua")

local main_chunk_value

-- Call f in n coroutines; returns their results { ok, value } when all have ended.
local function in_parallel(n, f)
	local results, left, token = {}, n, {}
	for i = 1, n do
		skynet.fork(function()
			results[i] = { pcall(f) }
			left = left - 1
			if left == 0 then
				skynet.wakeup(token)
			end
		end)
	end
	skynet.wait(token)
	return results
end

kit.case("init functions run before the start function, in order, and may block", function()
	local peer = kit.peer "peer"
	kit.equal(skynet.call(peer, "lua"), { "main chunk", "first init", "second init", "start" })
	skynet.send(peer, "debug", "EXIT")
end)

kit.case("a module gets its name and its file", function()
	kit.equal(require "test_plain", { name = "test_plain", filename = SERVICE_PATH .. "test_require_module.lua" })
	kit.ok(require "test_plain" == package.loaded.test_plain)
end)

kit.case("a module may block, and its init functions run before require returns", function()
	kit.equal(require "test_blocking", { steps = { "chunk", "first init", "second init" } })
end)

kit.case("require returns one value: nil counts as true, false is kept", function()
	kit.equal(table.pack(require "test_nil"), table.pack(true))
	kit.equal(table.pack(require "test_false"), table.pack(false))
	kit.equal(package.loaded.test_false, false)
end)

kit.case("coroutines that require a module being loaded wait for it", function()
	package.loaded.test_blocking = nil
	local results = in_parallel(3, function() return require "test_blocking" end)
	kit.equal(results[1], { true, { steps = { "chunk", "first init", "second init" } } })
	kit.ok(results[1][2] == results[2][2] and results[2][2] == results[3][2])
end)

kit.case("a failing module fails all who require it, the first with its error", function()
	local results = in_parallel(3, function() return require "test_failing" end)
	kit.equal(results[1][1], false)
	kit.contains(results[1][2], "the module fails")
	kit.contains(results[1][2], "stack traceback:")
	for i = 2, 3 do
		kit.equal(results[i][1], false)
		kit.contains(results[i][2], "require test_failing failed")
	end
	kit.equal(package.loaded.test_failing, nil)
	kit.raises("the module fails", require, "test_failing")
end)

kit.case("a failing init function fails the require", function()
	kit.raises("the init fails", require, "test_failing_init")
	kit.equal(package.loaded.test_failing_init, nil)
end)

kit.case("each module runs its own init functions", function()
	local outer = require "test_outer"
	kit.equal(tostring(outer[1]), "inner init")
	kit.equal({ outer[2], outer[3] }, { "outer init", "outer init again" })
end)

kit.case("a cycle is an error, and leaves nothing behind", function()
	kit.raises("circular dependency", require, "test_cycle")
	kit.raises("circular dependency", require, "test_cycle")
end)

kit.case("what is not on the path is found or missed by Lua's own require", function()
	package.preload.test_preloaded = function(name) return name .. " from preload" end
	local path = package.path
	package.path = "./nosuch/?.lua"
	kit.equal((require "test_preloaded"), "test_preloaded from preload")
	kit.raises("module 'test_nosuch' not found", require, "test_nosuch")
	package.path = path
end)

kit.case("init wants a function, and a chunk to belong to", function()
	kit.raises("assertion failed!", skynet.init, nil)
	kit.raises("bad argument #1 to 'insert'", skynet.init, function() end)
end)

kit.case("in the main chunk require is Lua's own", function()
	kit.equal(main_chunk_value, "main chunk")
end)

package.preload.test_main_chunk = function()
	return select(2, coroutine.running()) and "main chunk" or "coroutine"
end
main_chunk_value = require "test_main_chunk"

kit.run(function()
	package.path = package.path .. ";" .. SERVICE_PATH .. "test_require_module.lua"
end)
