-- Adds the functions that manage other services to the skynet table, and returns it.

local skynet = require "skynet"
local c = require "skynet.core"

local function start_with(callback, forward, start)
	c.callback(callback, forward)
	skynet.timeout(0, function()
		skynet.init_service(start)
	end)
end

--- Start a service without the launcher: it is not listed, and nothing waits for its start function.
---@param ... string|number    module, then its arguments, which are joined by blanks
---@return integer? handle    nothing if the module cannot be found or its init failed
function skynet.launch(...)
	return c.addresscommand("LAUNCH", table.concat({ ... }, " "))
end

--- End a service from outside. Requests it is serving are never answered.
---@param address integer|string    handle, ":hex" or ".name"; by ".name" the launcher keeps listing it
function skynet.kill(address)
	local handle = address
	if type(address) == "string" then
		local hex = string.match(address, "^:(%x+)$")
		handle = hex and tonumber(hex, 16)
	end
	if type(handle) == "number" then
		skynet.send(".launcher", "lua", "REMOVE", handle, true)
		address = skynet.address(handle)
	end
	c.command("KILL", address)
end

--- End the process. Log lines that the logger has not written yet may be lost.
function skynet.abort()
	c.command "ABORT"
end

-- Returns true if it was a global name.
local function set_global_name(name, handle)
	local first = string.sub(name, 1, 1)
	if first == "." then
		return false
	end
	assert(first ~= ":")
	-- Room for a final zero in the 16 bytes of the harbor's protocol.
	assert(#name < 16)
	assert(tonumber(name) == nil)
	require "skynet.harbor".globalname(name, handle)
	return true
end

--- Name this service. A ".name" that exists already is kept.
---@param name string    ".name", or a global name of up to 15 characters
--- Errors: "assertion failed!" if a global name is too long, a number, or starts with ":".
function skynet.register(name)
	if not set_global_name(name, skynet.self()) then
		c.command("REG", name)
	end
end

--- Name another service, as `skynet.register` does for this one.
---@param name string
---@param handle integer
function skynet.name(name, handle)
	if not set_global_name(name, handle) then
		c.command("NAME", name .. " " .. skynet.address(handle))
	end
end

--- Start this service as `skynet.start` does, and treat the message types in map as other ones.
---@param map table<integer, integer>    PTYPE_* of an incoming message -> PTYPE_* to dispatch it as
---@param start function
--- The payload of a mapped message is not freed: its handler forwards (skynet.redirect) or trashes it.
function skynet.forward_type(map, start)
	local dispatch_message = skynet.dispatch_message
	start_with(function(prototype, msg, sz, session, source)
		local mapped = map[prototype]
		if mapped then
			dispatch_message(mapped, msg, sz, session, source)
		else
			local ok, err = pcall(dispatch_message, prototype, msg, sz, session, source)
			c.trash(msg, sz)
			if not ok then
				error(err, 0)
			end
		end
	end, true, start)
end

--- Start this service as `skynet.start` does, and let f rewrite each incoming message, responses included.
---@param f fun(type: integer, msg: lightuserdata, sz: integer, session: integer, source: integer): ...
--- f returns the same five values, which are then dispatched.
---@param start function
function skynet.filter(f, start)
	local dispatch_message = skynet.dispatch_message
	start_with(function(...)
		dispatch_message(f(...))
	end, false, start)
end

--- Let a service get a PTYPE_CLIENT message, with the dying service as source, whenever a service ends. Yields.
---@param service string    unique in the network, launched if need be
---@param query boolean?    wait for it to be launched by somebody else
---@return integer handle
function skynet.monitor(service, query)
	local handle
	if query then
		handle = skynet.queryservice(true, service)
	else
		handle = skynet.uniqueservice(true, service)
	end
	assert(handle, "Monitor launch failed")
	c.command("MONITOR", skynet.address(handle))
	return handle
end

return skynet
