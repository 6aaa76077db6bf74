-- socket: UDP by listening, dialling, connecting; low priority, callbacks replaced, errors
-- log: own
-- compare: ports
local conf = require "conf"
local net = require "net"
local skynet = require "skynet"
local socket = require "skynet.socket"

conf.run(function()
	local port = net.udp_port()
	local got, from = {}, nil
	local server = socket.udp_listen("127.0.0.1", port, function(text, sender)
		got[#got + 1] = text
		from = sender
	end)
	local answers = {}
	local client = socket.udp_dial("127.0.0.1", port, function(text, sender)
		local ip, p = socket.udp_address(sender)
		answers[#answers + 1] = { text, ip, p == port }
	end)
	local function received(list, n)
		conf.await(function()
			return #list >= n
		end)
		return list[n]
	end
	conf.out("listen, dial", math.type(server), math.type(client))
	conf.out("write", socket.write(client, "one"), received(got, 1))
	conf.out("lwrite", socket.lwrite(client, "two"), received(got, 2))
	conf.out("empty", socket.write(client, ""), socket.write(client, "three"))
	conf.await(function()
		return got[#got] == "three"
	end)
	conf.out("token", #from, from:byte(1), (socket.udp_address(from)))
	conf.out("sendto", socket.sendto(server, from, "answer"), received(answers, 1))
	conf.out("sendto of parts", socket.sendto(server, from, { "in ", "parts" }), received(answers, 2))
	conf.out("sendto nonsense", socket.sendto(server, "\7" .. from:sub(2), "x"), socket.sendto(server, "\2" .. ("\0"):rep(18), "x"))
	conf.try("short token", socket.sendto, server, "", "x")
	conf.out("no destination", socket.write(server, "x"))
	local second = {}
	socket.udp_connect(client, "127.0.0.1", port, function(text)
		second[#second + 1] = text
	end)
	socket.sendto(server, from, "to the other callback")
	conf.out("replaced", received(second, 1), #answers)
	local free = socket.udp(function() end)
	conf.try("connect to nowhere", socket.udp_connect, free, "not a name", 1)
	conf.try("connect without a socket", socket.udp_connect, 12345, "127.0.0.1", port)
	socket.udp_connect(free, "127.0.0.1", port)
	conf.out("connected", socket.write(free, "four"), (function()
		conf.await(function()
			return got[#got] == "four"
		end)
		return got[#got]
	end)())
	conf.out("large", socket.write(free, ("x"):rep(60000)), (function()
		conf.await(function()
			return #got[#got] == 60000
		end)
		return #got[#got]
	end)())
	local types = {}
	for _, entry in ipairs(socket.netstat()) do
		types[#types + 1] = entry.type
	end
	table.sort(types)
	conf.out(table.concat(types, " "))
	for _, id in ipairs { server, client, free } do
		socket.close(id)
		conf.out("closed", socket.invalid(id), socket.write(id, "x"))
	end
	conf.out(skynet.task())
end)
