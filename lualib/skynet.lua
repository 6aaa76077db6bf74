-- The public API of a Lua service. Its hot half (sessions, coroutines, dispatch, call, ret, sleep, fork) is native, and its
-- rarely used part is in skynet.more, because this file is in the VM of every service of a node. skynet.api fills the
-- table: a native function becomes a field of it on first use.

local skynet = { _proto = {}, pcall = pcall, cache = require "skynet.codecache" }
local handlers = {}	-- rare events of the native dispatcher -> function

function handlers.load_more()
	require "skynet.more" (handlers)
end

require "skynet.api" (skynet, skynet._proto, handlers)

local function run(start)
	for _, f in ipairs(skynet._main_inits() or {}) do
		f()
	end
	start()
end

--- Run a service's start function and tell the launcher how it went.
---@param start function    may block
function skynet.init_service(start)
	skynet._start_coroutine = coroutine.running()
	local ok, err = xpcall(run, debug.traceback, start)
	skynet._start_coroutine = nil
	if ok then
		skynet.send(".launcher", "lua", "LAUNCHOK")
	else
		err = tostring(err)
		skynet._start_failed(err)
		skynet.error("init service failed: " .. err)
		skynet.send(".launcher", "lua", "ERROR")
		skynet.exit()
	end
end

return skynet
