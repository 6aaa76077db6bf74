-- skynet.request: several requests at once, their answers in order of arrival.

local skynet = require "skynet"
local task = require "skynet.task"
local c = require "skynet.core"

local meta = {}
meta.__index = meta

--- Add a request: { addr, typename, arg, ... }, whose field n gives its length if arguments are nil.
function meta:add(obj)
	assert(type(obj) == "table" and self._pending)
	self._pending[#self._pending + 1] = obj
	return self
end

meta.__call = meta.add

local function send(obj)
	local addr, typename = obj[1], obj[2]
	local p = skynet._proto[typename]
	assert(p.unpack)
	local tag = skynet.tracetag()
	if tag then
		c.trace(tag, "call", 4)
		c.send(addr, skynet.PTYPE_TRACE, 0, tag)
	end
	local session = task.genid()
	return c.send(addr, p.id, session, p.pack(table.unpack(obj, 3, obj.n or #obj))) and session
end

--- Send all requests and iterate over their answers: `for req, resp in r:select(ti) do`. Yields.
---@param timeout integer?    1/100 s; when it passes, the loop ends and r.timeout is true
---@return function    resp: a packed table of values; false if the call has failed, nil if it could not be sent
function meta:select(timeout)
	local pending = assert(self._pending)
	self._pending = nil
	local unsent, answers = {}, {}
	local first, last, waiting = 1, 0, 0
	local collectors = {}
	local token = {}
	local asleep = false
	local timer

	local function wake()
		if asleep then
			asleep = false
			skynet.wakeup(token)
		end
	end

	local function collect(obj, session)
		local result = table.pack(pcall(task.await, obj[1], obj[2], session))
		last = last + 1
		if result[1] then
			answers[last] = { obj, table.pack(table.unpack(result, 2, result.n)) }
		else
			answers[last] = { obj, false }
		end
		collectors[obj] = nil
		wake()
	end

	local function next_answer()
		local obj = table.remove(unsent)
		if obj then
			return obj, nil
		end
		while first > last do
			if waiting == 0 or self.timeout then
				return nil
			end
			asleep = true
			skynet.wait(token)
		end
		local answer = answers[first]
		answers[first] = nil
		first, waiting = first + 1, waiting - 1
		return answer[1], answer[2]
	end

	local close = setmetatable({}, { __close = function()
		for _, co in pairs(collectors) do
			task.kill(co)
		end
		collectors = {}
		if timer then
			task.kill(timer, true)
			timer = nil
		end
	end })

	for _, obj in ipairs(pending) do
		local session = send(obj)
		if session then
			waiting = waiting + 1
			collectors[obj] = skynet.fork(collect, obj, session)
		else
			unsent[#unsent + 1] = obj
		end
	end
	if timeout and waiting > 0 then
		timer = task.timeout(timeout, function()
			timer = nil
			self.timeout = true
			wake()
		end)
	end
	return next_answer, nil, nil, close
end

return function(obj)
	local request = setmetatable({ _pending = {} }, meta)
	if obj then
		request:add(obj)
	end
	return request
end
