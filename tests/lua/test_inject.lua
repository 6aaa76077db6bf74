-- skynet.inject

local skynet = require "skynet"
local inject = require "skynet.inject"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

local reachable = { through = "an upvalue" }
local in_handler = { of = "the lua protocol" }

local function entry()
	return reachable
end

local function indirect()
	return entry
end

local function run(source, filename, args, ...)
	return inject(skynet, source, filename, args or { n = 0 }, ...)
end

kit.case("print collects lines, joined by tabs up to the first nil", function()
	kit.equal({ run "print('a', 1) print() print(1, nil, 2)" }, { true, { "a\t1", "", "1" } })
end)

kit.case("the chunk gets its arguments and sees the globals", function()
	kit.equal({ run("print(...) print(math.type(select('#', ...)))", nil, { n = 2, "x", "y" }) },
		{ true, { "x\ty", "integer" } })
end)

kit.case("globals it sets stay its own", function()
	run "test_inject_global = 1"
	kit.equal(rawget(_G, "test_inject_global"), nil)
end)

kit.case("upvalues are reached through other functions", function()
	kit.equal({ run("print(_U.reachable.through)", nil, nil, indirect) }, { true, { "an upvalue" } })
end)

kit.case("upvalues of a protocol's handler are found by its name", function()
	kit.equal({ run("print(_P.lua.in_handler.of)", nil, nil, skynet.register_protocol) }, { true, { "the lua protocol" } })
end)

kit.case("changes of an upvalue table are seen by the service", function()
	run("_U.reachable.through = 'a repair'", nil, nil, entry)
	kit.equal(reachable.through, "a repair")
end)

kit.case("a failure is the last line after what was printed", function()
	kit.equal({ run("print 'before' error 'oops'", "named.lua") }, { false, { "before", "named.lua:1: oops" } })
end)

kit.case("a syntax error is a failure", function()
	local ok, output = run "no such syntax"
	kit.equal(ok, false)
	kit.contains(output[1], "(load):1: ")
end)

kit.case("bytecode is accepted", function()
	kit.equal({ run(string.dump(load "print 'compiled'")) }, { true, { "compiled" } })
end)

kit.case("the chunk may block", function()
	kit.equal({ run "require 'skynet'.sleep(1) print 'slept'" }, { true, { "slept" } })
end)

kit.run(function()
	skynet.dispatch("lua", function()
		return in_handler
	end)
end)
