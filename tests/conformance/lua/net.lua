-- What the scripts about sockets share: servers and pairs of sockets on this machine, on ports that are free.
local skynet = require "skynet"
local socket = require "skynet.socket"

local net = {}

--- Listen on a free port; serve(fd, addr) runs for each client, which is started.
---@param serve fun(fd: integer, addr: string)
---@return integer port
---@return integer id
function net.serve(serve)
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.start(id, function(fd, addr)
		socket.start(fd)
		serve(fd, addr)
	end)
	return port, id
end

--- A function that gives two connected sockets of this service at each call.
---@return fun(): integer, integer
function net.pairs()
	local accepted, waiting
	local port = net.serve(function(fd)
		accepted = fd
		if waiting then
			skynet.wakeup(waiting)
		end
	end)
	return function()
		accepted = nil
		local fd = socket.open("127.0.0.1", port)
		if not accepted then
			waiting = {}
			skynet.wait(waiting)
			waiting = nil
		end
		return fd, accepted
	end
end

--- A port for UDP that nobody else asks for: two UDP sockets may be bound to one port, two listeners may not.
---@return integer port
function net.udp_port()
	local _, _, port = socket.listen("127.0.0.1", 0)
	return port
end

--- A port that nobody listens on.
---@return integer port
function net.closed_port()
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.close(id)
	return port
end

--- Run all of the functions beside each other, and wait until they have ended.
---@param functions function[]
function net.all(functions)
	local left, me = #functions, {}
	for _, f in ipairs(functions) do
		skynet.fork(function()
			f()
			left = left - 1
			if left == 0 then
				skynet.wakeup(me)
			end
		end)
	end
	skynet.wait(me)
end

return net
