-- socket: what can be written, with high and low priority, and to sockets that cannot be written
-- log: no
local conf = require "conf"
local driver = require "skynet.socketdriver"
local net = require "net"
local socket = require "skynet.socket"

conf.run(function()
	local pair = net.pairs()
	local a, b = pair()
	local function written(what, f, ...)
		if conf.try(what, f, a, ...) then
			socket.write(a, "\n")
			conf.out(what, conf.hex(socket.readline(b)))
		end
	end
	written("write", socket.write, "text")
	written("write", socket.write, "")
	written("write", socket.write, 12)
	written("write", socket.write, 1.5)
	written("write", socket.write, { "a", "b", "", "c" })
	written("write", socket.write, {})
	written("write", socket.write, { "a", nil, "c" })
	written("write", socket.write, { 1, 2.5 })
	written("write", socket.write, driver.str2p "pointer")
	-- The function has two names, and the error says one of them.
	local function refused(...)
		local _, err = pcall(socket.write, a, ...)
		conf.out("refused", err:match "%(.*%)$")
	end
	refused(true)
	refused()
	refused(nil)
	refused { {} }
	written("lwrite", socket.lwrite, "low")
	written("lwrite", socket.lwrite, { "l", "o", "w" })
	written("lwrite", socket.lwrite, driver.str2p "low pointer")
	conf.out("lwrite to nobody", socket.lwrite(12345, "x"), socket.write(12345, "x"))
	local id = socket.listen("127.0.0.1", 0)
	conf.out("write to a listener", socket.write(id, "x"))
	socket.close(a)
	conf.out("write to the closed", socket.write(a, "x"))
	conf.out("end", socket.read(b))
	conf.out("half closed", socket.disconnected(b), socket.write(b, "first"))
	socket.close(b)
end)
