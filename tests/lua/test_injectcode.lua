-- skynet.injectcode

local injectcode = require "skynet.injectcode"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")
local skynet = require "skynet"

local upvalue = 10

kit.case("locals, upvalues and varargs of the caller can be read", function()
	local function f(a, ...)
		local b = "b"
		local ok, x, y, z, first = injectcode("return a, b, upvalue, ...")
		return b and { a, b, upvalue, ... } and { ok, x, y, z, first }
	end
	kit.equal(f("a", "vararg"), { true, "a", "b", upvalue, "vararg" })
end)

kit.case("assignments are written back", function()
	local a, b = 1, 2
	local ok = injectcode("a, upvalue = a + 10, 'changed'", nil, 0)
	kit.equal({ ok, a, b, upvalue }, { true, 11, 2, "changed" })
end)

kit.case("a level further up is another frame", function()
	local a = "outer"
	local function inner()
		local a = "inner"
		local ok = injectcode("a = 'changed ' .. a", nil, 1)
		return a, ok
	end
	kit.equal({ (inner()), a }, { "inner", "changed outer" })
end)

kit.case("the innermost of two locals of a name counts", function()
	local a = 1
	do
		local a = 2
		injectcode("a = a + 10", nil, 0)
		kit.equal(a, 12)
	end
	return a
end)

kit.case("a suspended coroutine can be looked into and changed", function()
	local co = coroutine.create(function(a, ...)
		local b = 1
		coroutine.yield()
		return a, b
	end)
	coroutine.resume(co, "a", "v")
	kit.equal({ injectcode("b = 'changed' return a, b, ...", co, 1) }, { true, "a", "changed", "v" })
	kit.equal({ coroutine.resume(co) }, { true, "a", "changed" })
end)

kit.case("env supplies names, which those of the frame hide", function()
	local a = "local"
	local ok, x, y = injectcode("return a, extra", nil, 0, { a = "env", extra = "env" })
	kit.equal({ ok, x, y, a }, { true, "local", "env", "local" })
end)

kit.case("globals are those of the frame", function()
	-- Naming a global makes _ENV an upvalue of this function.
	local before = rawget(_G, "test_injectcode_global")
	local ok = injectcode("test_injectcode_global = 'set'", nil, 0)
	kit.equal({ ok, before, rawget(_G, "test_injectcode_global") }, { true, nil, "set" })
	rawset(_G, "test_injectcode_global", nil)
end)

kit.case("errors are returned with the position in the text", function()
	local error = error
	local ok, err = injectcode("error 'oops'", nil, 0)
	kit.equal({ ok, err, error ~= nil }, { false, "(debug):3: oops", true })
end)

kit.case("a syntax error is returned", function()
	local ok, err = injectcode("return return", nil, 0)
	kit.equal(ok, false)
	kit.contains(err, "(debug):3: unexpected symbol")
end)

kit.case("a level that does not exist is an error", function()
	kit.raises("attempt to index a nil value", injectcode, "return 1", nil, 1000)
end)

kit.case("the text may block", function()
	local a = skynet
	local ok, text = injectcode("a.sleep(1) a = 'slept' return a", nil, 0)
	kit.equal({ ok, text, a }, { true, "slept", "slept" })
end)

kit.run()
