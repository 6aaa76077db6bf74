-- socket: read by count, by line, all; what a close leaves to the reader
-- log: own
local conf = require "conf"
local net = require "net"
local skynet = require "skynet"
local socket = require "skynet.socket"

conf.run(function()
	local pair = net.pairs()
	local a, b = pair()
	socket.write(a, "one\ntwo\r\nthree--four--")
	conf.out(socket.readline(b), #socket.readline(b, "\r\n"), socket.readline(b, "--"), socket.readline(b, "--"))
	socket.write(a, "12345")
	conf.out(socket.read(b, 2), socket.read(b, 2), socket.read(b))
	socket.write(a, "tail")
	socket.close(a)
	conf.out("short of ten", socket.read(b, 10))
	conf.out("afterwards", socket.read(b, 1), socket.read(b))
	conf.out("disconnected", socket.disconnected(b))
	socket.close(b)
	a, b = pair()
	socket.write(a, "no separator")
	socket.close(a)
	conf.out("line", socket.readline(b))
	socket.close(b)
	a, b = pair()
	socket.write(a, ("x"):rep(10000))
	socket.close(a)
	conf.out("all", #socket.readall(b))
	socket.close(b)
	a, b = pair()
	conf.out("block", (function()
		skynet.fork(socket.write, a, "z")
		return socket.block(b)
	end)(), socket.read(b))
	skynet.fork(socket.close, a)
	conf.out("block at close", socket.block(b))
	socket.close(b)
end)
