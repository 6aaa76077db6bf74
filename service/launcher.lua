-- Starts services and keeps the list of them. A LAUNCH request is answered when the new service reports that its
-- start function has finished (LAUNCHOK) or failed (ERROR), or when it goes away before (REMOVE).

local skynet = require "skynet"
require "skynet.manager"

local services = {}		-- handle -> "module arguments"
local launching = {}	-- handle -> { respond, session } of the LAUNCH request not yet answered

local NORET = {}		-- result of commands that are answered later or never

local command = {}

-- Answer the request that launched handle, if it is still open.
local function settle(handle, ...)
	local request = launching[handle]
	if request then
		launching[handle] = nil
		request.respond(...)
	end
end

-- Returns the handle, or nothing when the module or its init failed.
local function launch(...)
	local description = table.concat({ ... }, " ")
	local session = skynet.context()
	local respond = skynet.response()
	local handle = skynet.launch(description)
	if not handle then
		respond(false)
		return
	end
	services[handle] = description
	launching[handle] = { respond = respond, session = session }
	return handle
end

function command.LAUNCH(_, ...)
	launch(...)
	return NORET
end

function command.LOGLAUNCH(_, ...)
	local handle = launch(...)
	if handle then
		require "skynet.core".command("LOGON", skynet.address(handle))
	end
	return NORET
end

function command.LAUNCHOK(source)
	settle(source, true, source)
	return NORET
end

function command.ERROR(source)
	services[source] = nil
	settle(source, false)
	return NORET
end

-- By the service itself in skynet.exit, which is no error: newservice returns nil. Or by skynet.kill, which is.
function command.REMOVE(_, handle, killed)
	services[handle] = nil
	settle(handle, not killed)
	return NORET
end

function command.KILL(_, address)
	skynet.kill(address)
	local result = { [skynet.address(address)] = tostring(services[address]) }
	services[address] = nil
	return result
end

function command.LIST()
	local list = {}
	for handle, description in pairs(services) do
		list[skynet.address(handle)] = description
	end
	return list
end

-- Ask all services at once; format(handle, result) makes the entry of each, result being the answer, "ERROR" or
-- "TIMEOUT".
local function ask_all(timeout, cmd, format)
	local list = {}
	local requests = skynet.request()
	for handle in pairs(services) do
		list[skynet.address(handle)] = format(handle, "TIMEOUT")
		requests:add { handle, "debug", cmd }
	end
	for request, response in requests:select(timeout) do
		local handle = request[1]
		list[skynet.address(handle)] = format(handle, response and response[1] or "ERROR")
	end
	return list
end

function command.STAT(_, timeout)
	return ask_all(timeout, "STAT", function(_, result)
		return result
	end)
end

function command.MEM(_, timeout)
	return ask_all(timeout, "MEM", function(handle, result)
		if type(result) == "number" then
			result = string.format("%.2f Kb", result)
		end
		return string.format("%s (%s)", result, services[handle])
	end)
end

function command.GC(_, timeout)
	for handle in pairs(services) do
		skynet.send(handle, "debug", "GC")
	end
	return command.MEM(nil, timeout)
end

-- Tell which service the request with that session is launching.
function command.QUERY(_, session)
	for handle, request in pairs(launching) do
		if request.session == session then
			return handle
		end
	end
end

-- Native services report with text: nothing when they are ready, and snlua "ERROR" when a script cannot be loaded.
skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	unpack = skynet.tostring,
	dispatch = function(_, source, text)
		if text == "" then
			command.LAUNCHOK(source)
		elseif text == "ERROR" then
			command.ERROR(source)
		else
			error("Invalid text command " .. text)
		end
	end,
}

skynet.dispatch("lua", function(_, source, cmd, ...)
	local f = command[string.upper(cmd)]
	if not f then
		-- A table and no error: the debug console prints it.
		skynet.retpack { "Unknown command" }
		return
	end
	local result = f(source, ...)
	if result ~= NORET then
		skynet.retpack(result)
	end
end)

skynet.start(function() end)
