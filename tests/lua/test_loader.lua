-- loader.lua, run with made-up globals and files

local skynet = require "skynet"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

local loader_file = skynet.getenv "lualoader" or assert(package.searchpath("loader", package.path))

-- Run the loader. `files` is file name -> main chunk. Returns pcall's results and the globals as they are afterwards.
local function run(arguments, globals, files)
	local env = {}
	for key, value in pairs(_G) do
		env[key] = value
	end
	env.SERVICE_NAME, env.SERVICE_PATH = nil, nil
	env.LUA_SERVICE, env.LUA_PATH, env.LUA_CPATH = "service/?.lua", "lib/?.lua", "lib/?.so"
	env.package = {}
	env._G = env
	for key, value in pairs(globals) do
		env[key] = value
	end
	function env.loadfile(filename)
		if files[filename] then
			return files[filename]
		end
		return nil, "cannot open " .. filename
	end
	-- A skynet keeps it in the field of a module, this one in a module of its own.
	function env.require(name)
		if name == "skynet.require" then
			return { require = "the coroutine-aware require" }
		end
		return "the coroutine-aware require"
	end
	local chunk = assert(loadfile(loader_file, "t", env))
	local result = table.pack(pcall(chunk, arguments))
	return env, table.unpack(result, 1, result.n)
end

-- A main chunk that notes its arguments and the globals of that moment.
local function recorder(notes)
	return function(...)
		notes.args = table.pack(...)
	end
end

kit.case("words become the name and the arguments", function()
	local notes = {}
	local env, ok, err = run("name one  two\tthree ", {}, { ["service/name.lua"] = recorder(notes) })
	kit.equal({ ok, err }, { true })
	kit.equal(notes.args, table.pack("one", "two", "three"))
	kit.equal(env.SERVICE_NAME, "name")
end)

kit.case("the paths become those of package, and the globals go away", function()
	local env = run("name", {}, { ["service/name.lua"] = function() end })
	kit.equal(env.package, { path = "lib/?.lua", cpath = "lib/?.so" })
	kit.equal({ rawget(env, "LUA_PATH"), rawget(env, "LUA_CPATH"), rawget(env, "LUA_SERVICE") }, {})
	kit.equal(env.require, "the coroutine-aware require")
end)

kit.case("the first pattern that has the file wins, and a syntax error is no end to the search", function()
	local files = {}
	local notes = {}
	files["b/name.lua"] = recorder(notes)
	files["c/name.lua"] = function() error "unreachable" end
	local env, ok = run("name", { LUA_SERVICE = "a/?.lua;;b/?.lua;c/?.lua" }, files)
	kit.equal({ ok, env.SERVICE_PATH }, { true, "b/" })
	kit.ok(notes.args)
end)

kit.case("a script found nowhere is an error with all that was tried", function()
	local _, ok, err = run("name", { LUA_SERVICE = "a/?.lua;b/?/?.lua" }, {})
	kit.equal(ok, false)
	kit.contains(err, "loader.lua:")
	kit.contains(err, "cannot open a/name.lua\ncannot open b/name/name.lua")
end)

kit.case("no name is an error", function()
	local _, ok, err = run("", {}, {})
	kit.equal(ok, false)
	kit.contains(err, "(string/function/table expected, got nil)")
end)

kit.case("a service in a directory of its own can require from it", function()
	local env = run("name", { LUA_SERVICE = "svc/?/init.lua" }, { ["svc/name/init.lua"] = function() end })
	kit.equal({ env.SERVICE_PATH, env.package.path }, { "svc/name/", "svc/name/?.lua;lib/?.lua" })
end)

kit.case("a service among others has their directory as its path", function()
	local env = run("sub/name", {}, { ["service/sub/name.lua"] = function() end })
	kit.equal({ env.SERVICE_PATH, env.package.path }, { "service/", "lib/?.lua" })
end)

kit.case("a pattern without a directory gives no path", function()
	local env = run("name", { LUA_SERVICE = "?.lua" }, { ["name.lua"] = function() end })
	kit.equal(rawget(env, "SERVICE_PATH"), nil)
end)

kit.case("the preload script runs first, with all words", function()
	local order = {}
	local env = run("name arg", { LUA_PRELOAD = "pre.lua" }, {
		["pre.lua"] = function(...) order[#order + 1] = table.concat({ "preload", ... }, " ") end,
		["service/name.lua"] = function(...) order[#order + 1] = table.concat({ "main", ... }, " ") end,
	})
	kit.equal(order, { "preload name arg", "main arg" })
	kit.equal(rawget(env, "LUA_PRELOAD"), nil)
end)

kit.case("a preload script that is missing is an error", function()
	local _, ok, err = run("name", { LUA_PRELOAD = "pre.lua" }, { ["service/name.lua"] = function() end })
	kit.equal(ok, false)
	kit.contains(err, "cannot open pre.lua")
end)

kit.case("a service sees what the loader has set up", function()
	kit.equal(SERVICE_NAME, "test_loader")
	kit.ok(rawget(_G, "LUA_PATH") == nil and rawget(_G, "LUA_CPATH") == nil and rawget(_G, "LUA_SERVICE") == nil)
	kit.equal(require, require "skynet.require".require)
end)

kit.run()
