-- socket: reading pauses when much has come, and goes on when it is waited for
-- log: own
local conf = require "conf"
local net = require "net"
local socket = require "skynet.socket"

conf.run(function()
	local pair = net.pairs()
	local a, b = pair()
	local size <const> = 512 * 1024
	-- A wait that had to resume the socket does not pause it again.
	for i = 1, 6 do
		net.all {
			function()
				conf.out("read", i, #socket.read(b, size))
			end,
			function()
				socket.write(a, ("x"):rep(size))
			end,
		}
	end
	socket.pause(b)
	socket.pause(b)
	socket.write(a, "while it is paused")
	conf.out(socket.read(b, 5), #socket.read(b))
	socket.close(a)
	conf.out(socket.read(b))
	socket.close(b)
end)
