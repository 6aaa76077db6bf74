-- socket: netstat of a listener and a connection
-- log: no
-- unordered: entry
local conf = require "conf"
local skynet = require "skynet"
local socket = require "skynet.socket"

conf.run(function()
	local id, _, port = socket.listen("127.0.0.1", 0)
	local me = {}
	socket.start(id, function(fd)
		socket.start(fd)
		socket.write(fd, "12345")
		socket.read(fd, 3)
		skynet.wakeup(me)
		socket.read(fd)
	end)
	local fd = socket.open("127.0.0.1", port)
	socket.read(fd, 5)
	socket.write(fd, "abc")
	skynet.wait(me)
	for _, info in ipairs(socket.netstat()) do
		local kinds = {}
		for k, v in pairs(info) do
			kinds[#kinds + 1] = k .. ":" .. type(v)
		end
		table.sort(kinds)
		conf.out("entry", info.type, info.address == skynet.self(), info.accept, info.read, info.write, table.concat(kinds, " "))
	end
	socket.close(fd)
	socket.close(id)
end)
