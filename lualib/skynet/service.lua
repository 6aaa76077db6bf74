-- Run a function as a service that exists once in the process. Its keeper is the unique service service_provider.

local skynet = require "skynet"

local service = {}

local name_handle = {}	-- names already resolved by this service
local provider			-- handle of service_provider

local function call_provider(...)
	provider = provider or skynet.uniqueservice "service_provider"
	return skynet.call(provider, "lua", ...)
end

-- The function travels as bytecode, which carries no upvalue; the new VM supplies the first one, its globals.
local function dump(mainfunc)
	assert(debug.getupvalue(mainfunc, 1) == "_ENV")
	assert(debug.getupvalue(mainfunc, 2) == nil)
	return string.dump(mainfunc)
end

--- Return the service of that name, and start it first if there is none. Yields.
---@param name string
---@param mainfunc function    the main chunk of the service; its only upvalue is _ENV
---@param ... any    arguments of mainfunc, anything that can be packed
---@return integer handle
--- Errors: "call failed" if it failed to start now or earlier; "assertion failed!" if mainfunc has other upvalues.
function service.new(name, mainfunc, ...)
	local handle, booting = call_provider("test", name)
	if not handle then
		if booting then
			handle = call_provider("query", name)
		else
			handle = call_provider("launch", name, dump(mainfunc), ...)
		end
	end
	name_handle[name] = handle
	return handle
end

--- Return the service of that name, and wait until somebody starts it. Yields.
---@param name string
---@return integer handle    of a closed service too, if this service had asked for it before
--- Errors: "call failed" if it failed to start.
function service.query(name)
	local handle = name_handle[name]
	if not handle then
		handle = call_provider("query", name)
		name_handle[name] = handle
	end
	return handle
end

--- Kill the service of that name, or forget that it failed to start. Yields.
---@param name string
---@return boolean existed
function service.close(name)
	local handle = call_provider("close", name)
	if not handle then
		return false
	end
	name_handle[name] = nil
	require "skynet.manager".kill(handle)
	return true
end

return service
