-- snax.gateserver: clients of services gateserver_probe, whose handlers record what happens.

local skynet = require "skynet"
local socket = require "skynet.socket"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local ok, equal, raises, case = kit.ok, kit.equal, kit.raises, kit.case

local MIB <const> = 1024 * 1024

local function call(gate, ...)
	return skynet.call(gate, "lua", ...)
end

local function packet(text)
	return string.pack(">s2", text)
end

local function probe(...)
	return skynet.newservice("gateserver_probe", ...)
end

local function open(conf, ...)
	local gate = probe(...)
	conf = conf or {}
	conf.address, conf.port = "127.0.0.1", 0
	local _, _, port = call(gate, "open", conf)
	return gate, port
end

-- Collects the events of a gate until there are n, or one with that name; gives the list.
local function expect(gate, what)
	local list = {}
	net.until_true(function()
		for _, event in ipairs(call(gate, "events")) do
			list[#list + 1] = event
		end
		if type(what) == "number" then
			return #list >= what
		end
		for _, event in ipairs(list) do
			if event[1] == what then
				return true
			end
		end
	end, what)
	return list
end

local function names(list)
	local text = {}
	for i, event in ipairs(list) do
		text[i] = event[1]
	end
	return table.concat(text, " ")
end

-- The texts of the next n messages.
local function messages(gate, n)
	local texts = {}
	for i, event in ipairs(expect(gate, n)) do
		texts[i] = event[1] == "message" and event[3] or event[1]
	end
	return texts
end

local function connect(gate, port)
	local fd = assert(socket.open("127.0.0.1", port))
	return fd, expect(gate, 1)[1][2]
end

-- What netstat tells about a socket; an empty table when it does not list it.
local function stat(id)
	for _, entry in ipairs(socket.netstat()) do
		if entry.id == id then
			return entry
		end
	end
	return {}
end

case("open answers what handler.open returns, with the real address in the table", function()
	local gate = probe()
	local source, address, port, word = call(gate, "open", { address = "127.0.0.1", port = 0, word = "kept" })
	equal(source, skynet.self())
	equal(address, "127.0.0.1")
	ok(port > 0)
	equal(word, "kept")
	raises("", call, gate, "open", { address = "127.0.0.1", port = 0 })
	skynet.kill(gate)
end)

case("the address may have the port in it", function()
	local gate = probe()
	local _, address, port = call(gate, "open", { address = "127.0.0.1:0" })
	equal(address, "127.0.0.1")
	ok(port > 0)
	skynet.kill(gate)
end)

case("open fails when it cannot listen, and may be tried again", function()
	local port, id = net.serve(function() end)
	local gate = probe()
	raises("", call, gate, "open", { address = "127.0.0.1", port = port })
	local _, _, real = call(gate, "open", { address = "127.0.0.1", port = 0 })
	ok(real > 0)
	socket.close(id)
	skynet.kill(gate)
end)

case("a client is read from openclient on", function()
	local gate, port = open()
	call(gate, "auto", false)
	local fd, client = connect(gate, port)
	socket.write(fd, packet "early")
	equal(call(gate, "events"), {})
	call(gate, "openclient", client)
	equal(messages(gate, 1), { "early" })
	call(gate, "openclient", 123456)
	equal(call(gate, "events"), {})
	socket.close(fd)
	skynet.kill(gate)
end)

case("connect tells the client's address", function()
	local gate, port = open()
	local fd = socket.open("127.0.0.1", port)
	local event = expect(gate, 1)[1]
	equal(event[1], "connect")
	ok(event[3]:match "^127%.0%.0%.1:%d+$", event[3])
	socket.close(fd)
	skynet.kill(gate)
end)

case("packets arrive whole and in order, however they are cut", function()
	local gate, port = open { nodelay = true }
	local fd = connect(gate, port)
	local texts = { "a", "", ("b"):rep(65535), "c", ("d"):rep(300), "" }
	local stream = ""
	for i, text in ipairs(texts) do
		stream = stream .. packet(text)
	end
	for _, size in ipairs { 1000000, 40000, 4096, 997 } do
		for from = 1, #stream, size do
			socket.write(fd, stream:sub(from, from + size - 1))
		end
		equal(messages(gate, #texts), texts, "cut at " .. size)
	end
	local small = packet "one" .. packet "" .. packet "two"
	for i = 1, #small do
		socket.write(fd, small:sub(i, i))
		skynet.yield()
	end
	equal(messages(gate, 3), { "one", "", "two" })
	socket.close(fd)
	skynet.kill(gate)
end)

case("two clients' fragments do not mix", function()
	local gate, port = open()
	local a, a_fd = connect(gate, port)
	local b, b_fd = connect(gate, port)
	socket.write(a, packet("from a"):sub(1, 4))
	socket.write(b, packet("from b"):sub(1, 1))
	socket.write(a, packet("from a"):sub(5))
	equal(expect(gate, 1), { { "message", a_fd, "from a" } })
	socket.write(b, packet("from b"):sub(2))
	equal(expect(gate, 1), { { "message", b_fd, "from b" } })
	-- What a client leaves half sent goes with it.
	socket.write(a, packet("half"):sub(1, 3))
	socket.close(a)
	equal(expect(gate, 1), { { "disconnect", a_fd } })
	call(gate, "closeclient", a_fd)
	socket.write(b, packet "still here")
	equal(expect(gate, 1), { { "message", b_fd, "still here" } })
	socket.close(b)
	skynet.kill(gate)
end)

case("a handler that blocks holds up its own packet only", function()
	local gate, port = open()
	local fd = connect(gate, port)
	socket.write(fd, packet "block" .. packet "next" .. packet "last")
	equal(messages(gate, 3), { "block", "next", "last" })
	call(gate, "unblock")
	equal(messages(gate, 1), { "unblocked" })
	socket.close(fd)
	skynet.kill(gate)
end)

case("a handler that fails loses its own packet only", function()
	local gate, port = open()
	local fd = connect(gate, port)
	socket.write(fd, packet "fail" .. packet "fail" .. packet "next")
	equal(messages(gate, 3), { "fail", "fail", "next" })
	socket.write(fd, packet "fail")
	socket.write(fd, packet "alive")
	equal(messages(gate, 2), { "fail", "alive" })
	socket.close(fd)
	skynet.kill(gate)
end)

case("packets of a client that was closed are dropped", function()
	local gate, port = open()
	local fd, client = connect(gate, port)
	socket.write(fd, packet "close me" .. packet "dropped 1" .. packet "dropped 2")
	equal(expect(gate, 2), { { "message", client, "close me" }, { "disconnect", client } })
	equal(socket.read(fd), false)
	socket.close(fd)
	equal(call(gate, "events"), {})
	skynet.kill(gate)
end)

case("closeclient sends what is unsent", function()
	local gate, port = open()
	local fd, client = connect(gate, port)
	socket.write(fd, packet "flood me")
	equal(#socket.read(fd, 2 * MIB), 2 * MIB)
	equal(socket.read(fd), false)
	-- Between warnings of so much.
	equal((names(expect(gate, "disconnect")):gsub(" warning", "")), "message disconnect")
	socket.close(fd)
	net.until_true(function() return stat(client).type == nil end, "the descriptor is closed")
	skynet.kill(gate)
end)

case("a client that has closed is there until closeclient", function()
	local gate, port = open()
	local fd, client = connect(gate, port)
	socket.close(fd)
	equal(expect(gate, 1), { { "disconnect", client } })
	equal(stat(client).type, "CLOSING")
	call(gate, "closeclient", client)
	net.until_true(function() return stat(client).type == nil end, "the descriptor is closed")
	call(gate, "closeclient", client)
	call(gate, "closeclient", 123456)
	equal(call(gate, "events"), {})
	skynet.kill(gate)
end)

case("maxclient - 1 clients are served, others are refused until one leaves", function()
	local gate, port = open { maxclient = 3 }
	local a, a_fd = connect(gate, port)
	local b = connect(gate, port)
	local refused = socket.open("127.0.0.1", port)
	local list = expect(gate, 1)
	equal(names(list), "disconnect")
	equal(socket.read(refused), false)
	socket.close(refused)
	socket.close(a)
	equal(expect(gate, 1), { { "disconnect", a_fd } })
	call(gate, "closeclient", a_fd)
	local c, c_fd = connect(gate, port)
	socket.write(c, packet "in")
	equal(expect(gate, 1), { { "message", c_fd, "in" } })
	socket.close(b)
	socket.close(c)
	skynet.kill(gate)
end)

case("a reset is an error, then a disconnect", function()
	local gate, port = open { maxclient = 2 }
	local fd, client = connect(gate, port)
	-- Closed with something unread, a connection is reset.
	socket.pause(fd)
	net.until_true(function() return not stat(fd).reading end, "reading pauses")
	call(gate, "write", client, "unread")
	net.until_true(function() return stat(client).write == 6 end, "it is written")
	socket.shutdown(fd)
	socket.close(fd)
	equal(expect(gate, 2), { { "error", client, "Connection reset by peer" }, { "disconnect", client } })
	net.until_true(function() return stat(client).type == nil end, "the descriptor is closed")
	-- And it is no longer counted.
	local again, again_fd = connect(gate, port)
	socket.write(again, packet "in")
	equal(expect(gate, 1), { { "message", again_fd, "in" } })
	socket.close(again)
	skynet.kill(gate)
end)

case("warning tells what waits to be sent, and 0 when it is sent", function()
	local gate, port = open()
	local fd, client = connect(gate, port)
	socket.pause(fd)
	local size, list = 0, {}
	while #list == 0 do
		call(gate, "write", client, ("x"):rep(MIB), 4)
		size = size + 4 * MIB
		list = call(gate, "events")
	end
	equal(list[1][1], "warning")
	equal(list[1][2], client)
	ok(list[1][3] >= 1024, list[1][3])
	equal(#socket.read(fd, size), size)
	local last
	net.until_true(function()
		list = call(gate, "events")
		last = list[#list] or last
		return last and last[3] == 0
	end, "a warning of 0")
	equal(last, { "warning", client, 0 })
	socket.close(fd)
	skynet.kill(gate)
end)

case("close ends the listener, the clients stay", function()
	local gate, port = open()
	local fd, client = connect(gate, port)
	call(gate, "close")
	net.until_true(function() return not socket.open("127.0.0.1", port) end, "nobody listens")
	socket.write(fd, packet "still here")
	equal(expect(gate, 1), { { "message", client, "still here" } })
	socket.close(fd)
	skynet.kill(gate)
end)

case("other commands go to handler.command, what fails there is answered", function()
	local gate = probe()
	equal(call(gate, "events"), {})
	raises("", call, gate, "no such command")
	skynet.kill(gate)
end)

case("an embedded gateserver is served by the service's own start", function()
	local gate, port = open({}, "embed")
	local fd, client = connect(gate, port)
	socket.write(fd, packet "embedded")
	equal(expect(gate, 1), { { "message", client, "embedded" } })
	socket.close(fd)
	skynet.kill(gate)
end)

case("start wants message and connect", function()
	local gateserver = require "snax.gateserver"
	raises("assertion failed!", gateserver.start, { connect = print })
	raises("assertion failed!", gateserver.start, { message = print })
end)

kit.run()
