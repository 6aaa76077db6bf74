-- Messages processed strictly one after the other by a single coroutine. Deprecated: skynet.queue is the better way.
-- A request is answered with the packed results of pcall, so that the text of an error reaches its caller.

local skynet = require "skynet"

local mqueue = {}

local messages = {}		-- arguments of each waiting message and their number n, from head to tail
local head, tail = 1, 0
local handler			-- function given to `register`
local idle				-- the worker waits for a message, with `messages` as its token

skynet.register_protocol {
	name = "queue",
	id = skynet.PTYPE_QUEUE,
	pack = skynet.pack,
	unpack = skynet.unpack,
}

-- Returns an error text if a message that wants no answer has one.
local function process(message)
	local respond = message.respond
	local result = table.pack(pcall(handler, table.unpack(message, 1, message.n)))
	if respond then
		local ok, err = pcall(respond, true, table.unpack(result, 1, result.n))
		if not ok then
			respond(true, false, err)
		end
	elseif not result[1] then
		return tostring(result[2])
	elseif result.n > 1 then
		return "mqueue: a message that was sent, not called, got a result"
	end
end

local function work()
	while true do
		while head <= tail do
			local message = messages[head]
			messages[head] = nil
			head = head + 1
			local err = process(message)
			if err then
				-- The error is logged and ends this coroutine; a new one goes on with the next message.
				skynet.fork(work)
				error(err, 0)
			end
		end
		head, tail = 1, 0
		idle = true
		skynet.wait(messages)
	end
end

local function enqueue(session, _, ...)
	local message = table.pack(...)
	message.respond = session ~= 0 and skynet.response()
	tail = tail + 1
	messages[tail] = message
	if idle then
		idle = false
		skynet.wakeup(messages)
	end
end

--- Set the function that processes the messages. Once per service.
---@param f fun(...: any): any ...    may block; the next message waits for it
--- Errors: "assertion failed!" the second time.
function mqueue.register(f)
	assert(handler == nil)
	handler = f
	skynet.dispatch("queue", enqueue)
	skynet.fork(work)
end

local function results_or_error(ok, ...)
	if not ok then
		error((...))
	end
	return ...
end

--- Send a message to the queue of a service and wait for its result. Yields.
---@param addr integer|string
---@param ... any
---@return any ...
--- Errors: the error of the function there, "call failed".
function mqueue.call(addr, ...)
	return results_or_error(skynet.call(addr, "queue", ...))
end

--- Send a message to the queue of a service.
---@param addr integer|string
---@param ... any
function mqueue.send(addr, ...)
	return skynet.send(addr, "queue", ...)
end

--- Count the messages that wait here, without the one in work.
---@return integer
function mqueue.size()
	return tail - head + 1
end

return mqueue
