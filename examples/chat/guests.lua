-- Two clients, who connect as any other does.

local skynet = require "skynet"
local socket = require "skynet.socket"

local function join(address, port, name)
	local fd = assert(socket.open(address, port))
	local guest = {}

	function guest.say(text)
		socket.write(fd, string.pack(">s2", text))
	end

	function guest.hear()
		local header = assert(socket.read(fd, 2), "the chat is closed")
		skynet.error(name .. " hears:", socket.read(fd, string.unpack(">I2", header)))
	end

	function guest.leave()
		socket.close(fd)
	end

	guest.say(name)
	guest.hear()
	return guest
end

local function talk(address, port)
	local alice = join(address, port, "alice")
	local bob = join(address, port, "bob")
	alice.hear()
	alice.say "hello, bob"
	alice.hear()
	bob.hear()
	bob.say "hello, alice; I have to go"
	bob.hear()
	alice.hear()
	bob.leave()
	alice.hear()
	alice.leave()
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, _, ...)
		skynet.retpack(talk(...))
	end)
end)
