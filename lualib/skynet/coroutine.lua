-- Lua's coroutine library for code that calls skynet: a blocking skynet function inside such a coroutine suspends the
-- whole chain of resumers, not just the innermost coroutine, and continues all of them afterwards.
--
-- Two kinds of yield pass through `resume`. One that starts with "USER" comes from `yield` below and ends the resume.
-- Any other is meant for the dispatcher of skynet.lua: resume yields it on to its own resumer, and hands what comes
-- back down again. While that lasts the coroutine is "blocked" and belongs to the dispatcher.

local co_resume, co_yield = coroutine.resume, coroutine.yield
local co_status, co_running = coroutine.status, coroutine.running

local skynetco = {}

-- coroutine -> the skynet thread that resumed it last, directly or through others; false before the first resume
local co_thread = setmetatable({}, { __mode = "k" })
-- coroutine -> true while it is suspended for the dispatcher
local co_blocked = setmetatable({}, { __mode = "k" })

skynetco.isyieldable = coroutine.isyieldable
skynetco.running = co_running

--- Like coroutine.create.
---@param f function
---@return thread co
function skynetco.create(f)
	local co = coroutine.create(f)
	co_thread[co] = false
	return co
end

local resume_further

-- What came out of co: the end, or a yield of one of the two kinds.
local function resumed(co, ok, ...)
	if not ok or co_status(co) == "dead" then
		return ok, ...
	end
	local command = ...
	if command == "USER" then
		return true, select(2, ...)
	end
	co_blocked[co] = true
	return resume_further(co, co_yield(...))
end

function resume_further(co, ...)
	co_blocked[co] = nil
	return resumed(co, co_resume(co, ...))
end

--- Like coroutine.resume. Yields when the coroutine blocks in skynet.
---@param co thread
---@return boolean ok
---@return any ...    what co yields or returns, or the error: those of coroutine.resume,
--- "cannot resume none skynet coroutine" or "cannot resume a skynet coroutine suspend by skynet framework"
function skynetco.resume(co, ...)
	local status = co_status(co)
	if co_thread[co] == nil then
		return false, status == "dead" and "cannot resume dead coroutine" or "cannot resume none skynet coroutine"
	elseif co_blocked[co] and status == "suspended" then
		return false, "cannot resume a skynet coroutine suspend by skynet framework"
	end
	local from = co_running()
	co_thread[co] = co_thread[from] or from
	return resumed(co, co_resume(co, ...))
end

--- Like coroutine.yield, to the caller of `resume`.
---@return any ...    arguments of the next resume
function skynetco.yield(...)
	return co_yield("USER", ...)
end

--- Like coroutine.status, with a fifth value.
---@param co thread
---@return string status    "blocked" while co waits for skynet
function skynetco.status(co)
	local status = co_status(co)
	if status == "suspended" and co_blocked[co] then
		return "blocked"
	end
	return status
end

--- Tell which skynet thread a coroutine runs on.
---@param co thread?    default: the running one
---@return thread? thread    nil if co was never resumed
---@return boolean is_thread    co is itself a skynet thread, not made by this library
function skynetco.thread(co)
	co = co or co_running()
	local thread = co_thread[co]
	if thread == nil then
		return co, true
	end
	return thread or nil, false
end

local function values_or_error(co, ok, ...)
	if ok then
		return ...
	end
	if co_status(co) == "dead" then
		-- As coroutine.wrap: run what the dead coroutine still has to be closed.
		coroutine.close(co)
	end
	error((...))
end

--- Like coroutine.wrap. Errors that are strings get a position in this file prepended.
---@param f function
---@return fun(...): any ...
function skynetco.wrap(f)
	local co = skynetco.create(f)
	return function(...)
		return values_or_error(co, skynetco.resume(co, ...))
	end
end

--- Like coroutine.close.
---@param co thread
---@return boolean ok
---@return any err
function skynetco.close(co)
	co_thread[co] = nil
	co_blocked[co] = nil
	return coroutine.close(co)
end

return skynetco
