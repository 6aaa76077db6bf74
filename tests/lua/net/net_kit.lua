-- What the network's test services share besides the test kit: pairs of connected sockets, and waiting for a condition.
-- Loaded with dofile(SERVICE_PATH .. "net_kit.lua").

local skynet = require "skynet"
local socket = require "skynet.socket"

local net = {}

local DEADLINE <const> = 2000	-- 1/100 s

--- Wait until f() is true; an error after 20 s.
function net.until_true(f, what)
	local deadline = skynet.now() + DEADLINE
	while not f() do
		if skynet.now() > deadline then
			error("in vain: " .. (what or "until_true"), 2)
		end
		skynet.sleep(1)
	end
end

--- Run f(...) in a coroutine. The result's wait() gives what f returns, or throws what it throws.
function net.spawn(f, ...)
	local task = { done = false }
	skynet.fork(function(...)
		task.result = table.pack(pcall(f, ...))
		task.done = true
		if task.waiting then
			skynet.wakeup(task)
		end
	end, ...)
	function task.wait()
		if not task.done then
			task.waiting = true
			skynet.sleep(DEADLINE, task)
			task.waiting = false
			if not task.done then
				error("a coroutine does not end", 2)
			end
		end
		if not task.result[1] then
			error(task.result[2], 0)
		end
		return table.unpack(task.result, 2, task.result.n)
	end
	return task
end

--- Listen on a free port; serve(fd, address) runs in a coroutine of its own for each client, started unless raw.
function net.serve(serve, raw)
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.start(id, function(fd, address)
		if raw then
			return serve(fd, address)
		end
		if socket.start(fd) then
			skynet.fork(serve, fd, address)
		end
	end)
	return port, id
end

--- Two ends of a connection; the second one is not started when raw.
function net.pair(raw)
	local server
	local port, id = net.serve(function(fd)
		server = fd
	end, true)
	local client = assert(socket.open("127.0.0.1", port))
	net.until_true(function() return server end, "accept")
	socket.close(id)
	if not raw then
		assert(socket.start(server))
	end
	return client, server
end

--- Wait until the other end has closed.
function net.until_closed(fd)
	net.until_true(function() return socket.disconnected(fd) ~= false end, "close")
end

--- Wait until so many bytes are there to be read, or more. Nothing else may read fd.
function net.until_readable(fd)
	assert(socket.block(fd))
end

return net
