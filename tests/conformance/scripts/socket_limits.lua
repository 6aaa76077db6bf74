-- socket: limit of what may be received, warning about what is not sent, pause
-- log: own
local conf = require "conf"
local net = require "net"
local skynet = require "skynet"
local socket = require "skynet.socket"

conf.run(function()
	local pair = net.pairs()
	local a, b = pair()
	socket.limit(b, 10)
	socket.write(a, ("x"):rep(20))
	conf.await(function()
		return socket.disconnected(b)
	end)
	conf.out("over the limit", socket.readline(b), socket.disconnected(b))
	socket.close(b)
	socket.close(a)

	a, b = pair()
	socket.limit(b, 10)
	local read = false
	skynet.fork(function()
		conf.out("by count", #socket.read(b, 30))
		read = true
	end)
	skynet.yield()
	socket.write(a, ("x"):rep(30))
	conf.await(function()
		return read
	end)
	conf.out("still open", not socket.disconnected(b))
	socket.close(a)
	socket.close(b)

	a, b = pair()
	local highest, drained = 0, false
	socket.warning(a, function(id, kib)
		assert(id == a)
		highest = math.max(highest, kib)
		drained = drained or kib == 0
	end)
	socket.pause(b)
	-- More than the system's buffers take, and less than what a service is warned of.
	local total <const> = 12 * 1024 * 1024
	for _ = 1, 24 do
		socket.write(a, ("x"):rep(total // 24))
	end
	conf.await(function()
		return highest > 0
	end)
	conf.out("warned", highest >= 1024, drained)
	conf.out("drained", #socket.read(b, total), drained or conf.await(function()
		return drained
	end) == nil)
	conf.try("nobody's", socket.warning, 12345, print)
	conf.try("nobody's", socket.limit, 12345, 1)
	conf.try("nobody's", socket.pause, 12345)
	socket.close(a)
	socket.close(b)
end)
