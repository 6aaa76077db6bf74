-- skynet.coroutine

local skynet = require "skynet"
local co = require "skynet.coroutine"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

-- Run f in a fork and wait for its end.
local function in_fork(f)
	local token, done = {}, false
	local thread = skynet.fork(function()
		f()
		done = true
		skynet.wakeup(token)
	end)
	return thread, function()
		if not done then
			skynet.wait(token)
		end
	end
end

kit.case("resume and yield pass values both ways", function()
	local c = co.create(function(a, b)
		local x, y = co.yield(a + b, nil)
		return x, y, nil
	end)
	kit.equal(table.pack(co.resume(c, 1, 2)), table.pack(true, 3, nil))
	kit.equal(table.pack(co.resume(c, "x", nil)), table.pack(true, "x", nil, nil))
	kit.equal(co.status(c), "dead")
	kit.equal({ co.resume(c) }, { false, "cannot resume dead coroutine" })
end)

kit.case("nothing yielded is nothing returned", function()
	local c = co.create(function() co.yield() end)
	kit.equal(table.pack(co.resume(c)), table.pack(true))
	kit.equal(table.pack(co.resume(c)), table.pack(true))
end)

kit.case("a blocking call suspends the whole chain and continues it", function()
	local notes = {}
	local inner = co.create(function()
		skynet.sleep(1)
		notes[#notes + 1] = "inner"
		co.yield "from inner"
		skynet.yield()
		return "end of inner"
	end)
	local outer = co.create(function()
		local _, text = co.resume(inner)
		notes[#notes + 1] = text
		co.yield "from outer"
		_, text = co.resume(inner)
		notes[#notes + 1] = text
		return "end of outer"
	end)
	kit.equal({ co.resume(outer) }, { true, "from outer" })
	kit.equal({ co.resume(outer) }, { true, "end of outer" })
	kit.equal(notes, { "inner", "from inner", "end of inner" })
end)

kit.case("a coroutine waiting for skynet is blocked and cannot be resumed", function()
	local token = {}
	local c = co.create(function() skynet.wait(token) return "woken" end)
	local result
	local thread, wait = in_fork(function() result = { co.resume(c) } end)
	skynet.yield()
	kit.equal(co.status(c), "blocked")
	kit.equal({ co.resume(c) }, { false, "cannot resume a skynet coroutine suspend by skynet framework" })
	kit.equal({ co.thread(c) }, { thread, false })
	skynet.wakeup(token)
	wait()
	kit.equal(result, { true, "woken" })
end)

kit.case("a blocked coroutine that is closed ends the resume of it", function()
	local token = {}
	local closed = false
	local c = co.create(function()
		local _ <close> = setmetatable({}, { __close = function() closed = true end })
		skynet.wait(token)
	end)
	local result
	local _, wait = in_fork(function() result = { co.resume(c) } end)
	skynet.yield()
	kit.equal(co.close(c), true)
	kit.ok(closed)
	skynet.wakeup(token)
	wait()
	kit.equal(result, { false, "cannot resume dead coroutine" })
end)

kit.case("coroutines of Lua's own library are refused", function()
	local c = coroutine.create(function() end)
	kit.equal({ co.resume(c) }, { false, "cannot resume none skynet coroutine" })
	kit.equal({ co.thread(c) }, { c, true })
end)

kit.case("thread tells who resumed a coroutine", function()
	local me = coroutine.running()
	local c
	c = co.create(function()
		local d = co.create(function() co.yield((co.thread())) end)
		return select(2, co.resume(d))
	end)
	kit.equal({ co.thread(c) }, { nil, false })
	kit.equal({ co.resume(c) }, { true, me })
	kit.equal({ co.thread() }, { me, true })
end)

kit.case("an error in a coroutine is returned as it is", function()
	local object = {}
	local c = co.create(function() error(object) end)
	local ok, err = co.resume(c)
	kit.equal(ok, false)
	kit.ok(rawequal(err, object))
end)

kit.case("wrap raises errors and works across blocking calls", function()
	local f = co.wrap(function(a)
		skynet.sleep(1)
		local b = co.yield(a * 2)
		error(b)
	end)
	kit.equal(f(21), 42)
	kit.raises("wrapped error", f, "wrapped error")
	kit.raises("cannot resume dead coroutine", f)
	local object = {}
	local _, err = pcall(co.wrap(function() error(object) end))
	kit.ok(rawequal(err, object))
end)

kit.case("a call to another service works inside", function()
	local c = co.create(function() return skynet.call(".launcher", "lua", "LIST") end)
	local ok, list = co.resume(c)
	kit.equal(ok, true)
	kit.contains(list[skynet.address(skynet.self())], SERVICE_NAME)
end)

kit.case("running and isyieldable are Lua's", function()
	kit.equal(co.running, coroutine.running)
	kit.equal(co.isyieldable, coroutine.isyieldable)
end)

kit.run()
