-- `require` and `skynet.init` for services: a module required inside a coroutine may block while it loads, which
-- skynet.requireco sees to. This half is in every VM, hence kept short.

local M = { original = require }

local require, loaded, running = require, package.loaded, coroutine.running
local main_thread = running()

M.inits = { [main_thread] = {} }	-- coroutine -> init functions of the chunk it is running

--- Load a module as Lua's require does. In a coroutine it yields when the module blocks or another one loads it.
---@param name string
---@return any value
function M.require(name)
	local value = loaded[name]
	if value ~= nil then
		return value
	end
	local _, is_main = running()
	if is_main then
		return (require(name))
	end
	return require "skynet.requireco"(name)
end

--- Register a function to run before the start function, or, in a module loaded by a coroutine, after its chunk.
---@param f function    may block
--- Errors: "assertion failed!" if f is no function; an error of table.insert outside of any chunk.
function M.init(f)
	assert(type(f) == "function")
	table.insert(M.inits[running()], f)
end

--- Run what the main chunk registered with `init`. Called by skynet.lua in the start coroutine.
function M.init_all()
	for _, f in ipairs(M.inits[main_thread]) do
		f()
	end
	M.inits[main_thread] = nil
end

return M
