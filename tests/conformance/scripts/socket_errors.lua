-- socket: refused connections, wrong addresses, unknown ids
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local socket = require "skynet.socket"

conf.run(function()
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.close(id)
	conf.out("refused", socket.open("127.0.0.1", port))
	conf.try("no port", socket.open, "127.0.0.1")
	conf.try("port 0", socket.open, "127.0.0.1", 0)
	conf.try("port is text", socket.open, "127.0.0.1:http")
	conf.try("no bracket", socket.open, "[::1:80")
	conf.try("listen on what is not ours", socket.listen, "192.0.2.1", 0)
	conf.try("read", socket.read, 12345)
	conf.try("readline", socket.readline, 12345)
	conf.out("write", socket.write(12345, "x"))
	conf.out("invalid", socket.invalid(12345), socket.disconnected(12345))
	conf.out("start", socket.start(12345))
	conf.out("close", select("#", socket.close(12345)))
	conf.out("shutdown", select("#", socket.shutdown(12345)))
	conf.out("header", socket.header "\1\2", socket.header "\0\0\1\0")
	conf.try("header", socket.header, "12345")
	conf.out(skynet.task())
end)
