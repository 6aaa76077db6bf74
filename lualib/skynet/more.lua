-- The part of the skynet module that a service in its daily work does not use; loaded by skynet.lua on first use.
-- Returns a function that completes the module and its handlers of rare events.

local skynet = require "skynet"
local task = require "skynet.task"
local c = require "skynet.core"

local proto = skynet._proto
local co_tag = setmetatable({}, { __mode = "k" })	-- coroutine -> trace tag; false = tracing forced off
local source_tag = {}	-- source -> tag of its next request
local co_timer = setmetatable({}, { __mode = "k" })	-- coroutine of a timeout -> where it was set (trace_timeout)
local trace_id = 0
local info_func = function() end

-- unknown messages

function skynet._unknown_request(session, source, msg, sz, prototype)
	skynet.error("Unknown request (" .. prototype .. "): " .. c.tostring(msg, sz))
	error(string.format("Unknown session : %d from %x", session, source))
end

function skynet._unknown_response(session, source, msg, sz)
	skynet.error("Response message : " .. c.tostring(msg, sz))
	error(string.format("Unknown session : %d from %x", session, source))
end

--- Replace the handler of requests (session 0) that no protocol takes, and return the one before.
---@param f fun(session: integer, source: integer, msg: lightuserdata, sz: integer, proto: integer|string)
function skynet.dispatch_unknown_request(f)
	local before = skynet._unknown_request
	skynet._unknown_request = f
	return before
end

--- Replace the handler of responses that nobody waits for, and return the one before.
---@param f fun(session: integer, source: integer, msg: lightuserdata, sz: integer)
function skynet.dispatch_unknown_response(f)
	local before = skynet._unknown_response
	skynet._unknown_response = f
	return before
end

-- time

local starttime

--- UTC seconds when the node was started.
function skynet.starttime()
	starttime = starttime or c.intcommand "STARTTIME"
	return starttime
end

--- UTC seconds with a resolution of 1/100 s.
function skynet.time()
	return c.now() / 100 + skynet.starttime()
end

-- services and the environment

--- The handle of a name such as ".launcher".
---@return integer?
function skynet.localname(name)
	return c.addresscommand("QUERY", name)
end

--- Set a key of the node's environment. Errors: "Can't setenv exist key : <k>".
function skynet.setenv(key, value)
	assert(c.command("GETENV", key) == nil, "Can't setenv exist key : " .. key)
	c.command("SETENV", key .. " " .. value)
end

local function unique(command, global, name, ...)
	if global == true then
		return assert(skynet.call(".service", "lua", "G" .. command, name, ...))
	end
	return assert(skynet.call(".service", "lua", command, global, name, ...))
end

--- Launch a service that exists once per node, or once per network with true before its name. Yields.
---@return integer handle    of the one service, whoever launched it
function skynet.uniqueservice(global, ...)
	return unique("LAUNCH", global, ...)
end

--- The handle of a unique service. Yields until somebody launches it.
function skynet.queryservice(global, ...)
	return unique("QUERY", global, ...)
end

--- Take it that the service of this handle has announced its end: calls to it fail.
function skynet.term(addr)
	skynet.ignoreret()
	task.term(addr)
end

-- counters

--- A counter of this service: "mqlen", "endless", "cpu", "time", "message".
function skynet.stat(what)
	return c.intcommand("STAT", what)
end

function skynet.mqlen()
	return c.intcommand("STAT", "mqlen")
end

--- Was this service found in an endless loop since the last question?
function skynet.endless()
	return c.intcommand("STAT", "endless") == 1
end

--- Limit the memory of this VM. Once, at the top level of the script.
---@param bytes integer
function skynet.memlimit(bytes)
	debug.getregistry().memlimit = bytes
	skynet.memlimit = nil
end

--- Set the function that answers the debug command INFO.
function skynet.info_func(f)
	info_func = f
end

function skynet._info_func()
	return info_func
end

-- tasks

local EMPTY_STACK <const> = "stack traceback:"

local function traceback_of(co)
	local stack = debug.traceback(co)
	return stack == EMPTY_STACK and co_timer[co] or stack
end

--- End a blocked coroutine, or a fork that has not started.
---@param thread thread|string    a coroutine, or a pattern that is looked for in the text of each blocked one
---@return thread?    nil if there is none
function skynet.killthread(thread)
	if type(thread) == "string" then
		local pattern = thread
		thread = nil
		for _, co in pairs(task.tasks()) do
			if co ~= "BREAK" and tostring(co):find(pattern) then
				thread = co
				break
			end
		end
	end
	if type(thread) == "thread" and task.kill(thread) then
		return thread
	end
end

--- Look at blocked coroutines: their number (nil), all of them (a table to fill), one session, one thread, "init".
function skynet.task(what)
	if what == nil then
		local n = 0
		for _, co in pairs(task.tasks()) do
			if co ~= "BREAK" then
				n = n + 1
			end
		end
		return n
	end
	if what == "init" then
		local co = rawget(skynet, "_start_coroutine")
		if co then
			return debug.traceback(co)
		end
		return
	end
	local kind = type(what)
	if kind == "table" then
		for session, co in pairs(task.tasks()) do
			if co == "BREAK" then
				what["session: " .. session] = "BREAK"
			else
				what[tostring(co) .. " session: " .. session] = traceback_of(co)
			end
		end
	elseif kind == "number" then
		local co = task.tasks()[what]
		if not co then
			return "No session"
		end
		return co == "BREAK" and co or traceback_of(co)
	elseif kind == "thread" then
		return task.session_of(what)
	end
end

--- Blocked coroutines grouped by equal stacks: "<count>\tsessions:[...]\n" -> traceback.
---@return table<string, string>
function skynet.uniqtask()
	local stacks = {}
	for session, co in pairs(task.tasks()) do
		local stack = co == "BREAK" and co or traceback_of(co)
		local sessions = stacks[stack] or { n = 0 }
		stacks[stack] = sessions
		sessions.n = sessions.n + 1
		if sessions.n <= 9 then
			sessions[sessions.n] = session
		end
	end
	local result = {}
	for stack, sessions in pairs(stacks) do
		local list = table.concat(sessions, ",")
		if sessions.n > 10 then
			list = list .. "..."
		end
		result[string.format("%d\tsessions:[%s]\n", sessions.n, list)] = stack
	end
	return result
end

local plain_timeout = task.timeout

local function traced_timeout(ti, f)
	local co = plain_timeout(ti, f)
	co_timer[co] = debug.traceback(string.format("TIMER %d+%d : ", c.now(), ti), 2)
	return co
end

--- Remember for each timeout where it was set, for `task` and `uniqtask`.
---@param on boolean
function skynet.trace_timeout(on)
	skynet.timeout = on and traced_timeout or plain_timeout
end

-- traces

local function begin_trace(co, info)
	trace_id = trace_id + 1
	local tag = string.format(":%08x-%d", skynet.self(), trace_id)
	co_tag[co] = tag
	task.set_trace(co, "TAG")
	c.trace(tag, info and "trace " .. info or "trace")
end

--- Follow the running request: what it calls and how long it takes goes to the log.
---@param info string?
function skynet.trace(info)
	local co = task.running() or coroutine.running()
	local tag = co_tag[co]
	skynet.error("TRACE", tag)
	if tag ~= false then
		begin_trace(co, info)
	end
end

--- The trace tag of the running coroutine; false if tracing is forced off.
---@return string|false|nil
function skynet.tracetag()
	return co_tag[task.running() or coroutine.running()]
end

--- Trace requests of a protocol: true all, false none, nil those whose caller asks for it.
---@param prototype string|integer
---@param flag boolean?
function skynet.traceproto(prototype, flag)
	local p = assert(proto[prototype])
	p.trace = flag
	task.set_trace(nil, "NONE")
end

--- `rawcall` under a trace tag of the caller's choice. Yields.
function skynet.tracecall(tag, addr, typename, msg, sz)
	c.trace(tag, "tracecall begin")
	c.send(addr, skynet.PTYPE_TRACE, 0, tag)
	local result, size = task.rawcall(addr, typename, msg, sz)
	c.trace(tag, "tracecall end")
	return result, size
end

-- requests in parallel

--- A set of requests to be sent together; see skynet.request in the reference.
function skynet.request(obj)
	skynet.request = require "skynet.request"
	return skynet.request(obj)
end

-- the debugger

local hook

--- Call f(type, msg, sz, session, source) before each message; nil ends it.
function skynet._hook_dispatch(f)
	hook = f
	task.sethook(f ~= nil)
end

skynet._resume = task.resume

return function(handlers)
	function handlers.unknown_request(session, source, msg, sz, id)
		local p = proto[id]
		return skynet._unknown_request(session, source, msg, sz, p and p.name or id)
	end

	function handlers.unknown_response(session, source, msg, sz)
		return skynet._unknown_response(session, source, msg, sz)
	end

	function handlers.hook(session, source, msg, sz, typeid)
		return hook and hook(typeid, msg, sz, session, source)
	end

	function handlers.trace_message(_, source, msg, sz)
		source_tag[source] = c.tostring(msg, sz)
		task.set_trace(nil, "NONE")
	end

	function handlers.trace_drop(_, source)
		source_tag[source] = nil
	end

	function handlers.trace_request(co, typeid, source)
		local flag = proto[typeid].trace
		local tag = source_tag[source]
		source_tag[source] = nil
		co_tag[co] = nil
		if flag == false then
			co_tag[co] = false
			task.set_trace(co, "OFF")
		elseif tag then
			co_tag[co] = tag
			task.set_trace(co, "TAG")
			c.trace(tag, "request")
		elseif flag then
			skynet.error("TRACE", nil)
			begin_trace(co)
		end
	end

	function handlers.trace(what, co, addr)
		local tag = co_tag[co]
		if what == "call" or what == "sleep" then
			-- from the function that called the native one
			c.trace(tag, what, 2)
			if addr then
				c.send(addr, skynet.PTYPE_TRACE, 0, tag)
			end
		else
			c.trace(tag, what)
			if what == "end" then
				co_tag[co] = nil
			end
		end
	end
end
