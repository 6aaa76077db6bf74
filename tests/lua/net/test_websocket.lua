-- http.websocket: our client against our server, and frames that no client should send.

local skynet = require "skynet"
local crypt = require "skynet.crypt"
local socket = require "skynet.socket"
local sockethelper = require "http.sockethelper"
local websocket = require "http.websocket"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local ok, equal, raises, case = kit.ok, kit.equal, kit.raises, kit.case

local REQUEST <const> = "GET /path?q=1 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
	.. "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

-- A frame as a client sends it; fields: fin, rsv, masked, size (as it is written), encoding (2 or 8 bytes of size).
local function frame(opcode, payload, fields)
	fields = fields or {}
	local size = fields.size or #payload
	local masked = fields.masked ~= false and 0x80 or 0
	local first = (fields.fin == false and 0 or 0x80) | (fields.rsv or 0) << 4 | opcode
	local header
	if fields.encoding == 2 or not fields.encoding and size > 125 and size <= 0xffff then
		header = string.pack(">BBI2", first, masked | 126, size)
	elseif fields.encoding == 8 or size > 0xffff or size < 0 then
		header = string.pack(">BBi8", first, masked | 127, size)
	else
		header = string.char(first, masked | size)
	end
	if masked == 0 then
		return header .. payload
	end
	return header .. "mask" .. (payload == "" and "" or crypt.xor_str(payload, "mask"))
end

local events	-- of the connection that was served last: { { name, ... }, ... }
local outcome	-- what accept returned for it
local handle = {}
for _, name in ipairs { "connect", "handshake", "message", "ping", "pong", "close", "error" } do
	handle[name] = function(id, ...)
		events[#events + 1] = { name, ... }
		if name == "message" then
			local data, kind = ...
			if data == "close me" then
				websocket.close(id, 1000, "bye")
			elseif data == "fail" then
				error "a handler that fails on purpose"
			elseif data == "ping me" then
				websocket.ping(id)
			else
				websocket.write(id, data, kind)
			end
		end
	end
end

local port
local function serve(fd, address)
	events, outcome = {}, nil
	outcome = table.pack(websocket.accept(fd, handle, "ws", address))
	ok(socket.invalid(fd), "accept forgets its socket")
	ok(websocket.is_close(fd))
end

local function url(path)
	return "ws://127.0.0.1:" .. port .. (path or "/")
end

local function event_names()
	local names = {}
	for i, event in ipairs(events) do
		names[i] = event[1]
	end
	return table.concat(names, " ")
end

local function served()
	net.until_true(function() return outcome end, "accept returns")
	return outcome
end

-- Send a text to the server and get all that it sends.
local function exchange(text)
	outcome = nil
	local fd = assert(socket.open("127.0.0.1", port))
	socket.write(fd, text)
	local answer = net.spawn(socket.readall, fd)
	net.until_true(function() return outcome or answer.done end, "the server closes")
	local all = answer.wait()
	socket.close(fd)
	served()
	return all
end

-- Send frames after a handshake and get what comes after the handshake's answer.
local function frames(...)
	local all = exchange(REQUEST .. "\r\n" .. table.concat { ... })
	local _, stop = all:find("\r\n\r\n", 1, true)
	return all:sub(stop + 1)
end

case("messages of all sizes, there and back", function()
	local id = websocket.connect(url "/path?q=1", { ["x-real-ip"] = "9.9.9.9" })
	for _, size in ipairs { 0, 1, 125, 126, 127, 65535, 65536, 100000, 262144 } do
		local data = ("x"):rep(size)
		websocket.write(id, data, size % 2 == 0 and "text" or "binary", size % 3 == 0 and 0x12345678 or nil)
		ok(websocket.read(id) == data, "size " .. size)
	end
	equal(events[2][1], "handshake")
	equal(events[2][2]["x-real-ip"], "9.9.9.9")
	equal(events[2][3], "/path?q=1")
	equal(events[3][3], "text")
	equal(events[4][3], "binary")
	websocket.close(id, 1001, "done")
	equal(served(), { true, n = 1 })
	equal(events[#events], { "close", 1001, "done" })
	ok(websocket.is_close(id))
	websocket.close(id)
	raises("assertion failed!", websocket.write, id, "x")
	raises("assertion failed!", websocket.read, id)
	raises("assertion failed!", websocket.addrinfo, id)
end)

case("the server closes", function()
	local id = websocket.connect(url())
	websocket.write(id, "close me")
	equal({ websocket.read(id) }, { false, "\3\xe8bye" })
	ok(socket.invalid(id))
	equal(served(), { true, n = 1 })
	equal(event_names(), "connect handshake message close")
end)

case("pings are answered on both sides", function()
	local id = websocket.connect(url())
	websocket.ping(id)
	websocket.write(id, "ping me")
	websocket.write(id, "x")
	equal(websocket.read(id), "x")
	websocket.close(id)
	served()
	equal(event_names(), "connect handshake ping message message pong close")
end)

case("a handler that fails ends the connection", function()
	local id = websocket.connect(url())
	websocket.write(id, "fail")
	local success, err = pcall(websocket.read, id)
	equal(success, false)
	ok(rawequal(err, sockethelper.socket_error))
	ok(socket.invalid(id), "a lost connection is forgotten")
	equal(served()[1], false)
	kit.contains(outcome[2], "a handler that fails on purpose")
	kit.contains(outcome[2], "stack traceback")
end)

case("a peer that goes is an error, and accept returns", function()
	local fd = assert(socket.open("127.0.0.1", port))
	socket.write(fd, REQUEST .. "\r\n")
	socket.readline(fd, "\r\n\r\n")
	socket.shutdown(fd)
	socket.close(fd)
	equal(served(), { true, n = 1 })
	equal(event_names(), "connect handshake error")
	ok(rawequal(events[3][2], sockethelper.socket_error))
end)

case("a server closed by another coroutine", function()
	local server
	local fd_port, listener = net.serve(function(fd)
		server = fd
		outcome = table.pack(websocket.accept(fd, handle, "ws"))
	end, true)
	events, outcome = {}, nil
	local id = websocket.connect("ws://127.0.0.1:" .. fd_port)
	net.until_true(function() return #events == 2 end)
	websocket.close(server)
	equal({ websocket.read(id) }, { false, "" })
	equal(served(), { true, n = 1 })
	equal(event_names(), "connect handshake close")
	socket.close(listener)
end)

case("handshakes that are refused", function()
	local function refused(status, text, from, to)
		local request = REQUEST
		if from then
			local first, last = request:find(from, 1, true)
			request = request:sub(1, first - 1) .. to .. request:sub(last + 1)
		end
		local answer = exchange(request .. "\r\n")
		equal(answer:match "^HTTP/1.1 (%d+)", status, text)
		if text then
			kit.contains(answer, text)
		end
		equal(outcome, { true, n = 1 })
		equal(event_names(), "connect close")
	end
	refused("400", "need GET method", "GET", "POST")
	refused("505", nil, "HTTP/1.1", "HTTP/1.0")
	refused("426", "Upgrade Required", "Upgrade: websocket\r\n", "")
	refused("426", "Upgrade Required", "Upgrade: websocket", "Upgrade: h2c")
	refused("400", "host Required", "Host: h\r\n", "")
	refused("400", "host Required", "Host: h\r\n", "Host: h\r\nHost: i\r\n")
	refused("400", "Connection must Upgrade", "Connection: keep-alive, Upgrade\r\n", "")
	refused("400", "Sec-WebSocket-Key Required", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "")
	refused("400", "Sec-WebSocket-Key invalid", "dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=")
	refused("400", "Sec-WebSocket-Key invalid", "dGhlIHNhbXBsZSBub25jZQ==", "!")
	refused("400", "Sec-WebSocket-Version must 13", "Version: 13", "Version: 8")
	refused("400", nil, "Host: h", "Host : h")
	refused("400", "Sec-WebSocket-Protocol need include chat", "Host: h", "Host: h\r\nSec-WebSocket-Protocol: x")
	refused("413", nil, "Host: h", ("a: b\r\n"):rep(3000) .. "Host: h")
	exchange "garbage\r\n\r\n"
	equal(outcome[1], false)
end)

case("the sample of the RFC", function()
	local answer = exchange(REQUEST .. "Sec-WebSocket-Protocol: chat, superchat\r\n\r\n" .. frame(8, ""))
	kit.contains(answer, "HTTP/1.1 101 Switching Protocols\r\n")
	kit.contains(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
	kit.contains(answer, "Sec-WebSocket-Protocol: chat\r\n")
end)

case("close frames of all kinds are answered", function()
	for payload, event in pairs {
		[""] = { "close" },
		["x"] = { "close" },
		["\3\xe8"] = { "close" },
		["\3\xe8why"] = { "close", 1000, "why" },
		["\3\xe8" .. ("x"):rep(123)] = { "close", 1000, ("x"):rep(123) },
	} do
		equal(frames(frame(8, payload)), "\x88\0")
		equal(outcome, { true, n = 1 })
		equal(events[#events], event)
	end
end)

case("fragments make one message, control frames between them", function()
	local got = frames(frame(1, "ab", { fin = false }), frame(0, "", { fin = false }), frame(9, "p"), frame(0, "cd"), frame(8, ""))
	equal(got, "\x8a\1p\x81\4abcd\x88\0")
	equal(event_names(), "connect handshake ping message close")
end)

case("frames that break the protocol end the connection", function()
	local fragment = { fin = false }
	for text, sent in pairs {
		["invalid opcode 3"] = frame(3, "x"),
		["invalid opcode 7"] = frame(7, ""),
		["reserved bits are set"] = frame(1, "x", { rsv = 4 }),
		["control frame too long"] = frame(9, ("x"):rep(126)),
		["control frame in fragments"] = frame(9, "x", fragment),
		["continuation of nothing"] = frame(0, "x"),
		["a message within another"] = frame(1, "a", fragment) .. frame(1, "b"),
		["payload_len is not minimal"] = frame(1, "hi", { encoding = 2 }),
		["payload_len is negative"] = frame(2, "", { size = math.mininteger }),
	} do
		local got = frames(sent)
		equal(got:sub(1, 1) .. got:sub(3), "\x88\3\xea" .. text)
		equal(outcome[1], false)
		kit.contains(outcome[2], text)
		equal(event_names(), "connect handshake")
	end
	-- An unknown control opcode, and a close frame that is too long.
	equal(frames(frame(11, "")):byte(), 0x88)
	equal(frames(frame(8, ("x"):rep(126))):sub(3, 4), "\3\xea")
	equal(frames(frame(1, "hi", { encoding = 8 })):sub(3, 4), "\3\xea")
	-- Unmasked frames are taken: our own client sends them.
	equal(frames(frame(1, "hi", { masked = false }), frame(8, "")), "\x81\2hi\x88\0")
end)

case("messages are bounded", function()
	local big = ("x"):rep(200000)
	for _, sent in ipairs {
		frame(2, "", { size = 262145 }),
		frame(2, "", { size = math.maxinteger }),
		frame(2, big, { fin = false }) .. frame(0, big),
	} do
		local got = frames(sent)
		equal(got:sub(3), "\3\xf1payload_len is too large")
		equal(outcome[1], false)
		kit.contains(outcome[2], "payload_len is too large")
	end
	-- Empty fragments are no way around the limit.
	equal(frames(frame(1, "", { fin = false }), frame(0, "", { fin = false }):rep(10000), frame(0, "x"), frame(8, "")), "\x81\1x\x88\0")
end)

case("a handshake that was read already", function()
	local fd_port, listener = net.serve(function(fd)
		local upgrade = { method = "GET", url = "/u", header = {
			host = "h",
			upgrade = "websocket",
			connection = "Upgrade",
			["sec-websocket-key"] = "dGhlIHNhbXBsZSBub25jZQ==",
			["sec-websocket-version"] = "13",
		} }
		events, outcome = {}, nil
		outcome = table.pack(websocket.accept(fd, handle, "ws", "here", { upgrade = upgrade }))
	end)
	local fd = socket.open("127.0.0.1", fd_port)
	kit.contains(socket.readline(fd, "\r\n\r\n"), "HTTP/1.1 101")
	socket.write(fd, frame(1, "hi"))
	equal(socket.read(fd, 4), "\x81\2hi")
	socket.write(fd, frame(8, ""))
	equal(served(), { true, n = 1 })
	socket.close(fd)
	socket.close(listener)
end)

-- A server that answers a handshake with what reply(accept_key) gives.
local function fake_server(reply)
	local fake_port, listener = net.serve(function(fd)
		local request = socket.readline(fd, "\r\n\r\n")
		local key = request:match "Sec%-WebSocket%-Key:(%S+)"
		local accept = crypt.base64encode(crypt.sha1(key .. "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		socket.write(fd, reply(accept))
		socket.close(fd)
	end)
	return "ws://127.0.0.1:" .. fake_port, function() socket.close(listener) end
end

case("a client that is refused, or answered wrongly, throws", function()
	for err, reply in pairs {
		["websocket handshake error: code[404] info:no"] = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
		["websocket handshake invalid Sec-WebSocket-Accept"] =
			"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
		["websocket handshake upgrade must websocket"] = "HTTP/1.1 101 x\r\n\r\n",
		["assertion failed!"] = "nonsense\r\n\r\n",
		["[Socket Error] : read failed fd = "] = "HTTP/1.1 101",
	} do
		local address, close = fake_server(function() return reply end)
		raises(err, websocket.connect, address)
		close()
	end
	raises("invalid protocol: http", websocket.connect, "http://127.0.0.1")
	raises("invalid url", websocket.connect, "127.0.0.1")
	raises("[Socket Error] : connect failed", websocket.connect, "ws://127.0.0.1:1")
end)

case("a client reads what came with the handshake, and refuses broken frames", function()
	local function client_reads(sent)
		local address, close = fake_server(function(accept)
			return "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " .. accept .. "\r\n\r\n" .. sent
		end)
		local id = websocket.connect(address)
		local result = table.pack(pcall(websocket.read, id))
		close()
		return id, table.unpack(result)
	end
	local id, success, data = client_reads "\x81\2hi\x88\0"
	equal({ success, data }, { true, "hi" })
	equal({ websocket.read(id) }, { false, "" })
	for sent, err in pairs {
		["\x83\1x"] = "invalid opcode 3",
		["\xc1\1x"] = "reserved bits are set",
		["\x89\x7e\0\x7e"] = "control frame too long",
		["\x82\x7f\x80\0\0\0\0\0\0\0"] = "payload_len is negative",
		["\x80\1x"] = "continuation of nothing",
	} do
		id, success, data = client_reads(sent)
		equal(success, false)
		kit.contains(tostring(data), err)
		ok(websocket.is_close(id))
		ok(socket.invalid(id))
	end
end)

kit.run(function()
	port = net.serve(serve, true)
end)
