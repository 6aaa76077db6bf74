-- The public API of a Lua service. Its hot half (sessions, coroutines, dispatch, call, ret, sleep, fork) is native, and its
-- rarely used part is in skynet.more, because this file is in the VM of every service of a node. skynet.api makes the
-- table: a native function becomes a field of it on first use.

local skynet = {}
local proto = {}	-- protocol by id and by name
local handlers = {}	-- rare events of the native dispatcher -> function

skynet._proto = proto
skynet.pcall = pcall
skynet.cache = require "skynet.codecache"

require "skynet.api" (skynet, proto, handlers)

function handlers.load_more()
	require "skynet.more" (handlers)
end

local function debug_dispatch(...)
	return require "skynet.debug".dispatch(...)
end

skynet.register_protocol { name = "lua", id = skynet.PTYPE_LUA, pack = skynet.pack, unpack = skynet.unpack }
skynet.register_protocol { name = "response", id = skynet.PTYPE_RESPONSE }
skynet.register_protocol { name = "error", id = skynet.PTYPE_ERROR }
skynet.register_protocol {
	name = "debug", id = skynet.PTYPE_DEBUG, pack = skynet.pack, unpack = skynet.unpack, dispatch = debug_dispatch,
}

local init_all = require "skynet.require".init_all
skynet.init = require "skynet.require".init

local function run_start(start)
	init_all()
	start()
end

--- Run a service's start function and tell the launcher how it went.
---@param start function    may block
function skynet.init_service(start)
	skynet._start_coroutine = coroutine.running()
	local ok, err = xpcall(run_start, debug.traceback, start)
	skynet._start_coroutine = nil
	if ok then
		skynet.send(".launcher", "lua", "LAUNCHOK")
	else
		skynet._start_failed(tostring(err))
		skynet.error("init service failed: " .. tostring(err))
		skynet.send(".launcher", "lua", "ERROR")
		skynet.exit()
	end
end

return skynet
