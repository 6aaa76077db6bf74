-- socket: what is asserted of ids: one reader, one owner, known ids
-- log: own
local conf = require "conf"
local net = require "net"
local skynet = require "skynet"
local socket = require "skynet.socket"

conf.run(function()
	local pair = net.pairs()
	local a, b = pair()
	local read = false
	skynet.fork(function()
		conf.out("the first reader", socket.read(b, 3))
		read = true
	end)
	skynet.yield()
	conf.try("second read", socket.read, b)
	conf.try("second readline", socket.readline, b)
	conf.try("second readall", socket.readall, b)
	conf.try("second block", socket.block, b)
	socket.write(a, "abc")
	conf.await(function()
		return read
	end)
	conf.try("close_fd of a known one", socket.close_fd, b)
	local closed = {}
	socket.onclose(b, function(id)
		closed[#closed + 1] = id == b
	end)
	socket.shutdown(a)
	conf.out("after shutdown", socket.read(b))
	conf.await(function()
		return #closed > 0
	end)
	conf.out("onclose", closed)
	socket.close(a)
	socket.close(b)
	conf.out("forgotten", socket.invalid(a), socket.disconnected(a))
	conf.try("readline of nobody", socket.readline, b)
	conf.try("readall of nobody", socket.readall, b)
	conf.out("block of nobody", socket.block(b))
	a, b = pair()
	socket.abandon(b)
	conf.out("abandoned", socket.invalid(b), socket.disconnected(b))
	conf.out("taken up", socket.start(b) == b)
	socket.write(a, "again\n")
	conf.out(socket.readline(b))
	socket.write(a, "zero")
	conf.out("read 0", socket.read(b, 0))
	conf.try("started already", socket.start, b)
	socket.shutdown(a)
	socket.close(a)
	a, b = pair()
	conf.out("resolve", socket.resolve "127.0.0.1"[1])
	conf.try("resolve", socket.resolve, "not a name")
	skynet.fork(socket.close, a)
	conf.out("closed while it reads", socket.read(b, 100))
	skynet.fork(function()
		conf.out("reader of what is closed here", socket.read(b))
	end)
	socket.close(b)
end)
