-- Keeps the unique services: those of this process by their name, those of the whole network by "@" and their name.
-- One node of the network is standalone; its manager has the global name SERVICE and the others ask it.

local skynet = require "skynet"
require "skynet.manager"

-- name -> handle; or the text of the error that its launch ended with; or, while it is not known yet, a list of
-- { source, session } of the requests that wait, with the field `launch` = { source, session, thread } if somebody
-- is launching it
local services = {}

local command = {}

-- Find a service. Without launch, or while somebody else launches it, wait.
local function acquire(name, launch, ...)
	local state = services[name]
	if state == nil then
		state = {}
		services[name] = state
	end
	if type(state) == "table" then
		local session, source = skynet.context()
		local request = { source = source, session = session }
		if launch and not state.launch then
			request.thread = coroutine.running()
			state.launch = request
			local ok, result = pcall(launch, ...)
			if ok then
				-- nil when the service exited in its start function: nothing is remembered, it may be tried again.
				services[name] = result
			else
				services[name] = tostring(result)
			end
			for _, waiting in ipairs(state) do
				skynet.wakeup(waiting)
			end
			if ok then
				return result
			end
		else
			state[#state + 1] = request
			skynet.wait(request)
		end
		state = services[name]
	end
	if type(state) == "string" then
		error(state)
	end
	assert(type(state) == "number")
	return state
end

-- Returns the key of a service in `services`, and what is to be launched. A service in snax is named by two words.
local function resolve(name, class)
	local script = string.match(name, "^@?(.*)$")
	if script == "snaxd" then
		return name .. "." .. class, script
	end
	return name, script
end

function command.LAUNCH(name, ...)
	local key, script = resolve(name, ...)
	if script == "snaxd" then
		return acquire(key, require "skynet.snax".rawnewservice, ...)
	end
	return acquire(key, skynet.newservice, script, ...)
end

function command.QUERY(name, class)
	return acquire((resolve(name, class)))
end

-- handle -> true, the managers of the other nodes
local reported = {}

local function progress(name, state)
	local lines = {}
	-- The stack of a coroutine there, if it can be had: the service may be gone, or not have begun yet.
	local function task(address, what)
		local ok, stack = pcall(skynet.call, address, "debug", "TASK", what)
		return ok and stack or ""
	end
	local launch = state.launch
	if launch then
		-- The launch waits for the answer to a LAUNCH request, which the launcher knows by its session.
		local session = launch.thread and skynet.task(launch.thread)
		local handle = session and skynet.call(".launcher", "lua", "QUERY", session)
		if handle then
			lines[#lines + 1] = "Init as " .. skynet.address(handle)
			lines[#lines + 1] = task(handle, "init")
		end
		lines[#lines + 1] = "Launching from " .. skynet.address(launch.source)
		lines[#lines + 1] = task(launch.source, launch.session)
	end
	if #state > 0 then
		lines[#lines + 1] = "Querying:"
		for _, request in ipairs { table.unpack(state) } do
			lines[#lines + 1] = skynet.address(request.source) .. " " .. task(request.source, request.session)
		end
	end
	return table.concat(lines, "\n")
end

local function list_local()
	-- Collecting the progress yields: take a copy to iterate on.
	local names = {}
	for name in pairs(services) do
		names[#names + 1] = name
	end
	local list = {}
	for _, name in ipairs(names) do
		local state = services[name]
		if type(state) == "number" then
			list[name] = skynet.address(state)
		elseif type(state) == "string" then
			list[name] = "Error: " .. state
		elseif state then
			list[name] = progress(name, state)
		end
	end
	return list
end

local function serve_network()
	skynet.register "SERVICE"

	function command.GLAUNCH(name, ...)
		return command.LAUNCH("@" .. name, ...)
	end

	function command.GQUERY(name, ...)
		return command.QUERY("@" .. name, ...)
	end

	function command.REPORT(handle)
		reported[handle] = true
	end

	function command.LIST()
		local list = list_local()
		local handles = {}
		for handle in pairs(reported) do
			handles[#handles + 1] = handle
		end
		for _, handle in ipairs(handles) do
			-- A node that is gone has nothing to list.
			local ok, remote = pcall(skynet.call, handle, "lua", "LIST")
			if ok and type(remote) == "table" then
				local suffix = "@" .. skynet.harbor(handle)
				for name, text in pairs(remote) do
					list[name .. suffix] = text
				end
			end
		end
		return list
	end
end

local function ask_network(...)
	local handle, err = skynet.call("SERVICE", "lua", ...)
	if err then
		error(err, 0)
	end
	return handle
end

local function forward_to_network()
	function command.GLAUNCH(name, ...)
		local global_name = "@" .. name
		return acquire(resolve(global_name, ...), ask_network, "LAUNCH", global_name, ...)
	end

	function command.GQUERY(name, ...)
		local global_name = "@" .. name
		local key = resolve(global_name, ...)
		local state = services[key]
		if type(state) == "number" then
			return state
		elseif type(state) == "string" then
			error(state)
		end
		-- Not through acquire: a query that waits must not hold up a later GLAUNCH of this node, which may be the
		-- very one that ends it.
		local handle = ask_network("QUERY", global_name, ...)
		if services[key] == nil then
			services[key] = handle
		end
		return handle
	end

	command.LIST = list_local

	skynet.call("SERVICE", "lua", "REPORT", skynet.self())
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, cmd, ...)
		local f = command[cmd]
		if not f then
			skynet.retpack(nil, "Invalid command " .. tostring(cmd))
			return
		end
		-- Errors are answers: skynet.uniqueservice asserts on them, so that their text reaches the caller.
		local ok, result = pcall(f, ...)
		if ok then
			skynet.retpack(result)
		else
			skynet.retpack(nil, tostring(result))
		end
	end)

	local existing = skynet.localname ".service"
	if existing then
		skynet.error(".service is already register by ", skynet.address(existing))
		skynet.exit()
	end
	skynet.register ".service"

	if skynet.getenv "standalone" then
		serve_network()
	else
		forward_to_network()
	end
end)
