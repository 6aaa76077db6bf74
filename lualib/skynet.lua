-- The public API of a Lua service. Its hot half (sessions, coroutines, dispatch, call, ret, sleep, fork) is native:
-- skynet.task. What few services use is in files that are loaded on first use, because every service of a node has this
-- one in its VM.

local c = require "skynet.core"
local task = require "skynet.task"

local skynet = {
	PTYPE_TEXT = 0,
	PTYPE_RESPONSE = 1,
	PTYPE_MULTICAST = 2,
	PTYPE_CLIENT = 3,
	PTYPE_SYSTEM = 4,
	PTYPE_HARBOR = 5,
	PTYPE_SOCKET = 6,
	PTYPE_ERROR = 7,
	PTYPE_QUEUE = 8,
	PTYPE_DEBUG = 9,
	PTYPE_LUA = 10,
	PTYPE_SNAX = 11,
	PTYPE_TRACE = 12,

	cache = require "skynet.codecache",
	pcall = pcall,

	send = task.send,
	rawsend = task.rawsend,
	call = task.call,
	rawcall = task.rawcall,
	ret = task.ret,
	retpack = task.retpack,
	ignoreret = task.ignoreret,
	context = task.context,
	response = task.response,
	sleep = task.sleep,
	yield = task.yield,
	wait = task.wait,
	wakeup = task.wakeup,
	fork = task.fork,
	timeout = task.timeout,
	dispatch_message = task.dispatch_message,

	genid = c.genid,
	pack = c.pack,
	packstring = c.packstring,
	unpack = c.unpack,
	tostring = c.tostring,
	trash = c.trash,
	error = c.error,
	now = c.now,
	hpc = c.hpc,
	harbor = c.harbor,
	tracelog = c.trace,
}

local proto = {}	-- protocol by id and by name
skynet._proto = proto

--- Make a message type known under a name.
---@param class { name: string, id: integer, pack: function?, unpack: function?, dispatch: function?, trace: boolean? }
--- Errors: "assertion failed!" if the name or the id (0..255) is taken or of the wrong type.
function skynet.register_protocol(class)
	local name, id = class.name, class.id
	assert(proto[name] == nil and proto[id] == nil)
	assert(type(name) == "string" and type(id) == "number" and id >= 0 and id <= 255)
	proto[name], proto[id] = class, class
	if class.trace ~= nil then
		skynet.traceproto(id, class.trace)
	end
end

--- Set the handler of a protocol and return the one before; without a function, return the current one.
---@param typename string
---@param f fun(session: integer, source: integer, ...)?    session 0: no answer is wanted
function skynet.dispatch(typename, f)
	local p = proto[typename]
	if not f then
		return p and p.dispatch
	end
	local before = p.dispatch
	p.dispatch = f
	return before
end

--- Send a message that appears to come from another service.
---@param typename string
---@param session integer?    nil allocates one
---@return integer|false|nil session    as core.redirect
function skynet.redirect(dest, source, typename, ...)
	return c.redirect(dest, source, proto[typename].id, ...)
end

-- Rare events, called by skynet.task.
local handlers = {}

function handlers.unknown_request(session, source, msg, sz, id)
	local p = proto[id]
	return skynet._unknown_request(session, source, msg, sz, p and p.name or id)
end

function handlers.unknown_response(session, source, msg, sz)
	return skynet._unknown_response(session, source, msg, sz)
end

task.init(proto, handlers)

skynet.register_protocol { name = "lua", id = skynet.PTYPE_LUA, pack = c.pack, unpack = c.unpack }
skynet.register_protocol { name = "response", id = skynet.PTYPE_RESPONSE }
skynet.register_protocol { name = "error", id = skynet.PTYPE_ERROR, unpack = function(...) return ... end }
skynet.register_protocol {
	name = "debug",
	id = skynet.PTYPE_DEBUG,
	pack = c.pack,
	unpack = c.unpack,
	dispatch = function(...)
		return require "skynet.debug".dispatch(...)
	end,
}

local self_handle

--- The handle of this service.
---@return integer
function skynet.self()
	self_handle = self_handle or c.addresscommand "REG"
	return self_handle
end

--- A handle as text, ":%08x"; another value through tostring.
function skynet.address(addr)
	return type(addr) == "number" and string.format(":%08x", addr) or tostring(addr)
end

--- The value of a key of the node's environment.
---@return string?
function skynet.getenv(key)
	return (c.command("GETENV", key))
end

--- Launch a Lua service and wait until its start function has returned. Yields.
---@param name string
---@param ... string|number    joined with blanks
---@return integer? handle    nil if the service has exited in its start function
--- Errors: "call failed" if it cannot be loaded or its start function raises.
function skynet.newservice(name, ...)
	return task.call(".launcher", "lua", "LAUNCH", "snlua", name, ...)
end

local require_module = require "skynet.require"
skynet.init = require_module.init

local start_coroutine	-- until the start function has returned
function skynet._start_coroutine()
	return start_coroutine
end

--- Run a service's start function and tell the launcher how it went. Source: skynet.lua, skynet.init_service
---@param start function
function skynet.init_service(start)
	start_coroutine = coroutine.running()
	local ok, err = xpcall(function()
		require_module.init_all()
		start()
	end, debug.traceback)
	start_coroutine = nil
	if ok then
		task.send(".launcher", "lua", "LAUNCHOK")
	else
		c.error("init service failed: " .. tostring(err))
		task.send(".launcher", "lua", "ERROR", err)
		skynet.exit()
	end
end

--- Begin to receive messages, and run f in a coroutine. To be called at the end of a service's main chunk.
---@param f function    may block
function skynet.start(f)
	task.listen()
	return task.timeout(0, function()
		skynet.init_service(f)
	end)
end

--- End this service. Never returns.
--- Unanswered requests are answered with an error, blocked coroutines are closed.
function skynet.exit()
	task.send(".launcher", "lua", "REMOVE", skynet.self(), false)
	task.exit()
end

-- Everything else is in skynet.more; what it defines is added when one of its names is first used.
local more_meta = {}

function more_meta.__index(t, key)
	setmetatable(skynet, nil)
	setmetatable(handlers, nil)
	require "skynet.more" (handlers)
	return t[key]
end

setmetatable(skynet, more_meta)
setmetatable(handlers, more_meta)

return skynet
