-- `require` and `skynet.init` for services: a module required inside a coroutine may block while it loads.
-- Loaded in every VM, hence kept short.

local M = {}

local require, running = require, coroutine.running
local loaded, preload = package.loaded, package.preload

local loading = {}	-- module name -> the guard of its loading: { name, co, outer, inits, waiting coroutines ... }
local coroutine_inits = { [running()] = {} }	-- coroutine -> init functions of the chunk it is running

-- Ends a loading however it ends: done, failed, or its coroutine closed by killthread.
local guard_meta = { __close = function(guard)
	loading[guard.name] = nil
	coroutine_inits[guard.co] = guard.outer
	for _, co in ipairs(guard) do
		loaded.skynet.wakeup(co)
	end
end }

local function load_module(guard, chunk, filename)
	local name, inits = guard.name, guard.inits
	local value = chunk(name, filename)
	if value == nil then
		value = loaded[name]
	end
	for _, f in ipairs(inits) do
		f()
	end
	if value == nil then
		value = true
	end
	loaded[name] = value
	return value
end

--- Load a module as Lua's require does. Yields when the module blocks, or another coroutine is loading it.
---@param name string
---@return any value
--- Errors: those of the module with a traceback, "require <name> failed" in coroutines that waited for it,
--- "circular dependency".
function M.require(name)
	local value = loaded[name]
	if value ~= nil then
		return value
	end
	local co, is_main = running()
	if is_main or preload[name] then
		return require(name)
	end
	local other = loading[name]
	if other then
		if other.co == co then
			error "circular dependency"
		end
		other[#other + 1] = co
		require "skynet".wait(co)
		value = loaded[name]
		if value == nil then
			error(string.format("require %s failed", name))
		end
		return value
	end
	local filename = package.searchpath(name, package.path)
	local chunk = filename and loadfile(filename)
	if not chunk then
		return require(name)
	end
	local inits = {}
	local guard <close> = setmetatable({ name = name, co = co, outer = coroutine_inits[co], inits = inits }, guard_meta)
	loading[name], coroutine_inits[co] = guard, inits
	local ok, result = xpcall(load_module, debug.traceback, guard, chunk, filename)
	if not ok then
		error(result, 0)
	end
	return result
end

--- Register a function to run before the start function, or, in a module loaded by a coroutine, after its chunk.
---@param f function    may block
--- Errors: "assertion failed!" if f is no function; an error of table.insert outside of any chunk.
function M.init(f)
	assert(type(f) == "function")
	table.insert(coroutine_inits[running()], f)
end

local main_thread = running()

--- Run what the main chunk registered with `init`. Called by skynet.lua in the start coroutine.
function M.init_all()
	for _, f in ipairs(coroutine_inits[main_thread]) do
		f()
	end
	coroutine_inits[main_thread] = nil
end

return M
