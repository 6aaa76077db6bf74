-- Critical sections for the coroutines of one service.

local skynet = require "skynet"

local running, status = coroutine.running, coroutine.status
local traceback = debug.traceback

local function results_or_error(ok, ...)
	if not ok then
		error((...))
	end
	return ...
end

--- Make a lock that admits one coroutine of this service at a time, in order of arrival.
---@return fun(f: function, ...: any): any ... lock
--- lock(f, ...) yields while another coroutine is inside, calls f and returns its results. The coroutine inside may
--- call it again. An error of f leaves the lock and is raised again with the traceback of f.
function skynet.queue()
	local owner				-- the coroutine inside
	local depth = 0			-- calls of the lock that owner is in
	local waiting = {}		-- { co } for each coroutine that wants to be owner, from head to tail
	local head, tail = 1, 0
	local returned = false	-- f has returned or raised; otherwise the coroutine of owner is being closed

	local function pass_on()
		owner, depth = nil, 0
		while head <= tail do
			local token = waiting[head]
			waiting[head] = nil
			head = head + 1
			-- One killed while waiting cannot enter any more. Its coroutine may have been recycled since, which is why
			-- that is not the token.
			if status(token[1]) ~= "dead" and skynet.wakeup(token) then
				-- Handed over before it runs, so that nobody overtakes it.
				owner = token[1]
				return
			end
		end
		head, tail = 1, 0
	end

	local guard = setmetatable({}, { __close = function()
		local killed = not returned
		returned = false
		depth = depth - 1
		if killed then
			depth = 0
			-- Not at once: this may be skynet.exit closing one coroutine after the other, and a waiter woken now
			-- would be resumed when it is already dead.
			skynet.fork(pass_on)
		elseif depth == 0 then
			pass_on()
		end
	end })

	local function leave(...)
		returned = true
		return ...
	end

	return function(f, ...)
		local co = running()
		if owner ~= co then
			if owner then
				tail = tail + 1
				local token = { co }
				waiting[tail] = token
				skynet.wait(token)
				assert(owner == co)
			else
				owner = co
			end
		end
		depth = depth + 1
		local _ <close> = guard
		return results_or_error(leave(xpcall(f, traceback, ...)))
	end
end

return skynet.queue
