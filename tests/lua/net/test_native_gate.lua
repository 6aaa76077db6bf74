-- The native gate: its arguments, text commands, reports, routing and output. Config key gate_port: a free port.
-- This service is watchdog, agent, broker and client in one.

local skynet = require "skynet"
local socket = require "skynet.socket"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local ok, equal, case = kit.ok, kit.equal, kit.case

local port = math.tointeger(skynet.getenv "gate_port")
local address = "127.0.0.1:" .. port
local received = {}	-- { protocol, session, source, text } in order

for name, id in pairs { text = skynet.PTYPE_TEXT, client = skynet.PTYPE_CLIENT, user = 20 } do
	skynet.register_protocol {
		name = name,
		id = id,
		pack = function(text) return text end,
		unpack = skynet.tostring,
		dispatch = function(session, source, text)
			skynet.ignoreret()
			received[#received + 1] = { name, session, source, text }
		end,
	}
end

local gate

local function launch(...)
	return skynet.launch("gate", ...)
end

local function open(header, watchdog, type, max)
	gate = assert(launch(header or "S", watchdog or skynet.address(skynet.self()), address, type or 0, max or 8))
end

local function close()
	skynet.kill(gate)
	net.until_true(function() return not socket.open("127.0.0.1", port) end, "nobody listens")
	received = {}
end

local function receive()
	net.until_true(function() return received[1] end, "a message")
	return table.remove(received, 1)
end

local function tell(...)
	skynet.send(gate, "text", string.format(...))
end

-- A client and its id in the gate, told by the watchdog.
local function connect()
	local fd = assert(socket.open("127.0.0.1", port))
	local event = receive()
	equal({ event[1], event[2], event[3] }, { "text", 0, gate })
	local id, again, from = event[4]:match "^(%d+) open (%d+) (127%.0%.0%.1:%d+:0)$"
	ok(id and id == again and from, event[4])
	return fd, math.tointeger(id)
end

local function data(id, text)
	equal(receive(), { "text", id, gate, id .. " data " .. text })
end

local function short(text)
	return string.pack(">s2", text)
end

local function long(text)
	return string.pack(">s4", text)
end

local function to_client(id, text)
	skynet.send(gate, "client", text .. string.pack("<I4", id))
end

case("wrong arguments make the launch fail", function()
	for _, args in ipairs {
		{}, { "S" }, { "S", "!", address }, { "S", "!", address, "x", 1 }, { "S", "!", address, 0 },
		{ "S", "!", address, 0, 0 }, { "S", "!", address, 0, -1 }, { "X", "!", address, 0, 1 },
		{ "S", ".nosuch", address, 0, 1 }, { "S", "word", address, 0, 1 }, { "S", "!", "127.0.0.1:0", 0, 1 },
		{ "S", "!", "127.0.0.1:port", 0, 1 },
	} do
		equal(launch(table.unpack(args)), nil, table.concat(args, " "))
	end
	open()
	equal(launch("S", "!", address, 0, 1), nil)
	close()
end)

case("packets of a client that was started go to the watchdog", function()
	open()
	local fd, id = connect()
	socket.write(fd, short "one" .. short "" .. short "two" .. short("three"):sub(1, 4))
	tell("start %d", id)
	data(id, "one")
	data(id, "two")
	socket.write(fd, short("three"):sub(5))
	data(id, "three")
	local big = ("x"):rep(65535)
	local stream = short(big) .. short "end"
	for _, size in ipairs { 100000, 1000 } do
		for from = 1, #stream, size do
			socket.write(fd, stream:sub(from, from + size - 1))
		end
		data(id, big)
		data(id, "end")
	end
	for i = 1, 5 do
		socket.write(fd, short("end"):sub(i, i))
		skynet.yield()
	end
	data(id, "end")
	socket.close(fd)
	equal(receive(), { "text", 0, gate, id .. " close" })
	close()
end)

case("a name may be the watchdog, and there may be none", function()
	skynet.register ".native_gate_watchdog"
	open("S", ".native_gate_watchdog")
	local fd, id = connect()
	tell("kick %d", id)
	equal(receive(), { "text", 0, gate, id .. " close" })
	equal(socket.read(fd), false)
	socket.close(fd)
	close()
	open("S", "!")
	fd = assert(socket.open("127.0.0.1", port))
	socket.write(fd, short "nobody")
	socket.close(fd)
	close()
	equal(received, {})
end)

case("forward sends packets to an agent, with a source of the caller's choice", function()
	open()
	local fd, id = connect()
	tell("forward %d %s :1234", id, skynet.address(skynet.self()))
	tell("start %d", id)
	socket.write(fd, short "one" .. short "" .. short "two")
	equal(receive(), { "client", id, 0x1234, "one" })
	equal(receive(), { "client", id, 0x1234, "two" })
	-- Without both handles it changes nothing.
	tell("forward %d", id)
	tell("f %d %s :0", id, skynet.address(skynet.self()))
	socket.write(fd, short "from the gate")
	equal(receive(), { "client", id, gate, "from the gate" })
	-- An agent that is gone, then another one.
	tell("forward %d :ff00 :0", id)
	socket.write(fd, short "lost")
	tell("forward %d :0 :0", id)
	socket.write(fd, short "the watchdog's")
	repeat
		local event = receive()
	until event[4] == id .. " data the watchdog's"
	socket.close(fd)
	equal(receive(), { "text", 0, gate, id .. " close" })
	close()
end)

case("a broker gets all packets", function()
	open()
	local fd, id = connect()
	tell("forward %d :ff00 :1", id)
	tell("broker %s", skynet.address(skynet.self()))
	tell("start %d", id)
	socket.write(fd, short "packet")
	equal(receive(), { "client", id, gate, "packet" })
	socket.close(fd)
	equal(receive(), { "text", 0, gate, id .. " close" })
	close()
end)

case("packets have the type that was asked for", function()
	open("S", nil, 20)
	local fd, id = connect()
	tell("forward %d %s :1", id, skynet.address(skynet.self()))
	tell("start %d", id)
	socket.write(fd, short "packet")
	equal(receive(), { "user", id, 1, "packet" })
	socket.close(fd)
	equal(receive()[4], id .. " close")
	close()
end)

case("what is sent to the gate is written to the client as it is", function()
	open()
	local fd, id = connect()
	tell("start %d", id)
	to_client(id, short "answer")
	equal(socket.read(fd, 8), short "answer")
	to_client(id, "")
	to_client(123456, "unknown")
	skynet.send(gate, "client", "abc")
	skynet.send(gate, "client", "")
	to_client(id, "alive")
	equal(socket.read(fd, 5), "alive")
	socket.close(fd)
	equal(receive()[4], id .. " close")
	to_client(id, "too late")
	close()
end)

case("a header of four bytes, and packets that are too large", function()
	open("L")
	local fd, id = connect()
	tell("start %d", id)
	local big = ("x"):rep(200000)
	socket.write(fd, long "one" .. long(big) .. long "" .. long("two"):sub(1, 2))
	data(id, "one")
	data(id, big)
	socket.write(fd, long("two"):sub(3))
	data(id, "two")
	local other, other_id = connect()
	tell("start %d", other_id)
	socket.write(fd, long "last" .. long(("x"):rep(16 * 1024 * 1024)) .. long "never")
	data(id, "last")
	equal(receive(), { "text", 0, gate, id .. " close" })
	equal(socket.read(fd), false)
	socket.close(fd)
	socket.write(other, long "alive")
	data(other_id, "alive")
	socket.close(other)
	equal(receive()[4], other_id .. " close")
	close()
end)

case("no more clients than the limit, until one leaves", function()
	open("S", nil, 0, 2)
	local a, a_id = connect()
	local b = connect()
	local refused = socket.open("127.0.0.1", port)
	equal(socket.read(refused), false)
	socket.close(refused)
	equal(received, {})
	tell("start %d", a_id)
	socket.close(a)
	equal(receive()[4], a_id .. " close")
	local c, c_id = connect()
	tell("start %d", c_id)
	socket.write(c, short "in")
	data(c_id, "in")
	socket.close(b)
	socket.close(c)
	close()
end)

case("commands that make no sense do no harm", function()
	open()
	local fd, id = connect()
	tell("start %d", id)
	for _, text in ipairs {
		"", " ", "kick", "kick x", "kick 123456", "kick -1", "kick " .. ("9"):rep(5000), "start", "start 123456", "forward",
		"forward 123456 :1 :2", "broker .nosuch", "unknown 1", "kickback 1", "\0", ("x"):rep(1000),
	} do
		skynet.send(gate, "text", text)
	end
	socket.write(fd, short "alive")
	data(id, "alive")
	socket.close(fd)
	equal(receive()[4], id .. " close")
	close()
end)

case("a reset is reported as close", function()
	open()
	local fd, id = connect()
	tell("start %d", id)
	socket.write(fd, short "here")
	data(id, "here")
	socket.pause(fd)
	to_client(id, "unread")
	net.until_true(function()
		for _, entry in ipairs(socket.netstat()) do
			if entry.id == id then
				return entry.write == 6
			end
		end
	end, "it is written")
	socket.shutdown(fd)
	socket.close(fd)
	equal(receive(), { "text", 0, gate, id .. " close" })
	net.until_true(function()
		for _, entry in ipairs(socket.netstat()) do
			if entry.id == id then
				return false
			end
		end
		return true
	end, "the descriptor is closed")
	close()
end)

case("close ends the listener, the clients stay until the gate goes", function()
	open()
	local fd, id = connect()
	tell("start %d", id)
	tell "close"
	tell "close"
	net.until_true(function() return not socket.open("127.0.0.1", port) end, "nobody listens")
	socket.write(fd, short "still here")
	-- After what tells of those who tried while the listener was there.
	repeat
		local event = receive()
	until event[4] == id .. " data still here"
	skynet.kill(gate)
	equal(socket.read(fd), false)
	socket.close(fd)
	received = {}
end)

kit.run()
