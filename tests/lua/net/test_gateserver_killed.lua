-- snax.gateserver: with its service go the listener and the clients. Not so on skynet, which leaves them open.

local skynet = require "skynet"
local socket = require "skynet.socket"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local function stat(id)
	for _, entry in ipairs(socket.netstat()) do
		if entry.id == id then
			return entry
		end
	end
	return {}
end

kit.case("listener, clients that are read and clients that are not", function()
	local gate = skynet.newservice "gateserver_probe"
	local function call(...)
		return skynet.call(gate, "lua", ...)
	end
	local ids = {}
	local function connect(port)
		local fd = assert(socket.open("127.0.0.1", port))
		net.until_true(function()
			for _, event in ipairs(call "events") do
				ids[#ids + 1] = event[2]
				return true
			end
		end, "connect")
		return fd
	end

	local _, _, port = call("open", { address = "127.0.0.1", port = 0 })
	local a = connect(port)
	call("auto", false)
	local b = connect(port)
	socket.write(a, "\0\4h")
	net.until_true(function() return stat(ids[1]).read == 3 end, "half a packet is read")
	require "skynet.manager".kill(gate)

	kit.equal(socket.read(a), false)
	kit.equal(socket.read(b), false)
	socket.close(a)
	socket.close(b)
	net.until_true(function() return not socket.open("127.0.0.1", port) end, "nobody listens")
	for _, id in ipairs(ids) do
		kit.equal(stat(id), {})
	end
end)

kit.case("clients that were accepted and have not been seen yet", function()
	local gate = skynet.newservice "gateserver_probe"
	local _, _, port = skynet.call(gate, "lua", "open", { address = "127.0.0.1", port = 0 })
	skynet.send(gate, "lua", "exit_before_accept", 3)
	local clients = {}
	for i = 1, 3 do
		clients[i] = assert(socket.open("127.0.0.1", port))
		socket.write(clients[i], "\0\4data")
	end
	for _, fd in ipairs(clients) do
		kit.equal(socket.read(fd), false)
		socket.close(fd)
	end
	for _, entry in ipairs(socket.netstat()) do
		kit.ok(entry.address ~= gate)
	end
end)

kit.run()
