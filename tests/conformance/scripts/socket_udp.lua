-- socket: UDP, addresses, replies to the sender
-- log: own
local conf = require "conf"
local net = require "net"
local skynet = require "skynet"
local socket = require "skynet.socket"

conf.run(function()
	local me, port = {}, net.udp_port()
	local server
	server = socket.udp(function(text, from)
		local ip, sender = socket.udp_address(from)
		conf.out("server got", text, ip, math.type(sender))
		conf.out("reply", socket.sendto(server, from, text:upper()))
	end, "127.0.0.1", port)
	local client
	client = socket.udp(function(text, from)
		conf.out("client got", text, socket.udp_address(from) == "127.0.0.1")
		skynet.wakeup(me)
	end)
	socket.udp_connect(client, "127.0.0.1", port)
	conf.out("write", socket.write(client, "hello"))
	skynet.wait(me)
	conf.try("address of nonsense", socket.udp_address, "short")
	conf.out("token", conf.hex(("\1"):rep(1)), socket.udp_address "\1\31\144\127\0\0\1")
	socket.close(client)
	socket.close(server)
end)
