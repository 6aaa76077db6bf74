-- socket: listen on port 0, connect, read, write, close
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local socket = require "skynet.socket"

conf.run(function()
	local id, ip, port = socket.listen("127.0.0.1", 0)
	conf.out("listen", math.type(id), ip, port > 0)
	local closed, peer, ended = {}, nil, false
	socket.start(id, function(fd, addr)
		peer = addr
		socket.start(fd)
		while true do
			local s = socket.read(fd)
			if not s then
				break
			end
			socket.write(fd, s:upper())
		end
		socket.close(fd)
		ended = true
		skynet.wakeup(closed)
	end)
	local fd = socket.open("127.0.0.1", port)
	conf.out("open", math.type(fd), socket.disconnected(fd), socket.invalid(fd))
	conf.out("write", socket.write(fd, "hello"))
	conf.out("read", socket.read(fd, 5))
	socket.write(fd, { "a", "table", "\n" })
	conf.out("readline", socket.readline(fd))
	socket.write(fd, "x", "ignored")
	conf.out("read", socket.read(fd, 1))
	socket.close(fd)
	conf.out("closed", socket.invalid(fd))
	if not ended then
		skynet.wait(closed)
	end
	conf.out("accepted", (peer:gsub(":%d+$", ":port")))
	socket.close(id)
end)
