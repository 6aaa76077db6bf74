-- skynet.socket: reading, closing, flow control, UDP, and what must not go wrong.

local skynet = require "skynet"
local socket = require "skynet.socket"

-- A service that has a connection and dies in one of several ways.
if ... == "owner" then
	local _, port, way = ...
	skynet.start(function()
		socket.open("127.0.0.1", math.tointeger(port))
		if way == "exit" then
			skynet.timeout(0, skynet.exit)
		end
	end)
	return
end

local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local ok, equal, raises, case = kit.ok, kit.equal, kit.raises, kit.case

local function close(...)
	for _, fd in ipairs { ... } do
		socket.close(fd)
	end
end

case("a count is read exactly, whatever the pieces", function()
	local c, s = net.pair()
	local reader = net.spawn(socket.read, c, 10)
	for piece in ("0123456789ab"):gmatch "..." do
		socket.write(s, piece)
		skynet.sleep(1)
	end
	equal(reader.wait(), "0123456789")
	equal(socket.read(c), "ab")
	close(c, s)
end)

case("read 0 waits for data and hands it out as a failure", function()
	local c, s = net.pair()
	local reader = net.spawn(socket.read, c, 0)
	socket.write(s, "abc")
	equal({ reader.wait() }, { false, "abc" })
	close(c, s)
end)

case("a line is read up to its separator, also across packets", function()
	local c, s = net.pair()
	socket.write(s, "a\nb\r")
	equal(socket.readline(c), "a")
	local reader = net.spawn(socket.readline, c, "\r\n")
	socket.write(s, "\nrest")
	equal(reader.wait(), "b")
	socket.close(s)
	equal({ socket.readline(c) }, { false, "rest" })
	close(c)
end)

case("what was sent before the peer closed can be read", function()
	local c, s = net.pair()
	socket.write(s, "abcdef")
	socket.close(s)
	net.until_closed(c)
	ok(socket.block(c))
	equal(socket.read(c, 2), "ab")
	equal({ socket.read(c, 10) }, { false, "cdef" })
	equal({ socket.read(c) }, { false, "" })
	equal(socket.readall(c), false)
	equal(socket.block(c), false)
	close(c)
	equal(socket.disconnected(c), nil)
	ok(socket.invalid(c))
end)

case("readall gets everything, however much", function()
	local c, s = net.pair()
	local reader = net.spawn(socket.readall, c)
	local chunk = ("x"):rep(64 * 1024)
	for _ = 1, 64 do
		socket.write(s, chunk)
	end
	socket.close(s)
	equal(#reader.wait(), 64 * #chunk)
	close(c)
end)

case("a second reader is refused and the first one served", function()
	local c, s = net.pair()
	local reader = net.spawn(socket.read, c, 4)
	skynet.yield()
	raises("assertion failed!", socket.read, c, 4)
	raises("assertion failed!", socket.readline, c)
	raises("assertion failed!", socket.readall, c)
	raises("assertion failed!", socket.block, c)
	socket.write(s, "abcd")
	equal(reader.wait(), "abcd")
	close(c, s)
end)

case("a reader that is killed does not block the socket", function()
	local c, s = net.pair()
	local co = skynet.fork(socket.read, c, 4)
	skynet.yield()
	skynet.killthread(co)
	socket.write(s, "abcd")
	equal(socket.read(c, 4), "abcd")
	close(c, s)
end)

case("unknown ids", function()
	for _, name in ipairs { "read", "readline", "readall", "limit", "warning" } do
		raises("assertion failed!", socket[name], 60000)
	end
	equal(socket.block(60000), false)
	equal(socket.write(60000, "x"), false)
	equal(socket.invalid(60000), true)
	equal({ socket.start(60000) }, { nil, "invalid socket" })
	socket.onclose(60000)
	for _, name in ipairs { "close", "shutdown", "abandon", "pause", "close_fd" } do
		equal(select("#", socket[name](60000)), 0, name)
	end
end)

case("addresses that cannot be", function()
	raises("Invalid address nocolon.", socket.open, "nocolon")
	raises("Invalid port in address a:b.", socket.open, "a:b")
	raises("Listen error", socket.listen, "300.0.0.1", 1)
	equal({ socket.open("127.0.0.1", 1) }, { nil, "Connection refused" })
	equal({ socket.open "127.0.0.1:1" }, { nil, "Connection refused" })
end)

case("close while another coroutine reads", function()
	local c, s = net.pair()
	local reader = net.spawn(socket.read, c, 10)
	socket.write(s, "part")
	skynet.sleep(2)
	socket.close(c)
	ok(reader.done, "the reader returns before close does")
	local data, rest = reader.wait()
	equal(data, false)
	ok(rest == "part" or rest == "")
	close(s)
end)

case("close twice, also at the same time", function()
	local c, s = net.pair()
	local first, second = net.spawn(socket.close, c), net.spawn(socket.close, c)
	first.wait()
	second.wait()
	socket.close(c)
	ok(socket.invalid(c))
	close(s)
end)

case("close while connecting", function()
	-- Nobody accepts: the backlog is full, so that the connect hangs. Whoever knows the id closes it.
	local id, _, port = socket.listen("127.0.0.1", 0, 1)
	local fds = {}
	local opener
	for i = 1, 8 do
		opener = net.spawn(socket.open, "127.0.0.1", port)
		skynet.sleep(2)
		if not opener.done then
			break
		end
		fds[i] = opener.wait()
	end
	if not opener.done then
		-- The id is the next one that the driver gives out, and open does not tell it before it is connected.
		local probe = socket.udp(function() end)
		socket.close(probe - 1)
		local fd, err = opener.wait()
		equal(fd, nil)
		equal(type(err), "string")
		socket.close(probe)
	end
	for _, fd in pairs(fds) do
		socket.close(fd)
	end
	socket.close(id)
end)

case("close while the connect is being refused", function()
	local opener = net.spawn(socket.open, "127.0.0.1", 1)
	-- Forks run one after the other: the id after that of the opener is the probe's.
	local closer = net.spawn(function()
		local probe = socket.udp(function() end)
		socket.close(probe - 1)
		socket.close(probe)
		return probe - 1
	end)
	ok(socket.invalid(closer.wait()))
	equal((opener.wait()), nil)
end)

case("the connections of a service that dies are closed", function()
	for _, way in ipairs { "exit", "kill" } do
		local accepted
		local port, id = net.serve(function(fd) accepted = fd end)
		local owner = skynet.newservice(SERVICE_NAME, "owner", port, way)
		net.until_true(function() return accepted end)
		if way == "kill" then
			skynet.kill(owner)
		end
		equal({ socket.read(accepted) }, { false, "" })
		socket.close(accepted)
		socket.close(id)
	end
end)

case("write after close fails, and does no harm before", function()
	local c, s = net.pair()
	socket.close(s)
	net.until_closed(c)
	equal(socket.write(c, "x"), true, "half open: the way out is still there")
	net.until_true(function() return not socket.write(c, "x") end, "reset")
	socket.close(c)
	equal(socket.write(c, "x"), false)
	equal(socket.lwrite(c, "x"), false)
end)

case("half open: the side that was told the end can still send", function()
	local c, s = net.pair()
	local got = net.spawn(socket.readall, s)
	-- close with unsent data shuts down after sending; the other side reads the end and answers.
	socket.write(c, "question")
	socket.close(c)
	equal(got.wait(), "question")
	equal(socket.write(s, "late answer"), true)
	close(s)
end)

case("shutdown ends reading at once, and the id stays known", function()
	local c, s = net.pair()
	socket.shutdown(c)
	equal({ socket.read(c) }, { false, "" })
	equal(socket.disconnected(c), true)
	equal({ socket.read(s) }, { false, "" })
	close(c, s)
	ok(socket.invalid(c))
end)

case("what this service owns is not closed with close_fd, and not started again", function()
	local c, s = net.pair()
	raises("Use socket.close instead", socket.close_fd, c)
	raises("socket is not closed", socket.start, c)
	close(c, s)
end)

case("abandon wakes the reader, and the socket can be started again", function()
	local c, s = net.pair()
	local reader = net.spawn(socket.read, c, 10)
	skynet.yield()
	socket.abandon(c)
	ok(socket.invalid(c))
	equal({ reader.wait() }, { false, "" })
	equal(socket.start(c), c)
	socket.write(s, "again")
	equal(socket.read(c, 5), "again")
	close(c, s)
end)

case("an accepted socket that nobody starts is closed when its peer goes", function()
	local c, s = net.pair(true)
	equal(socket.write(s, "dropped"), true)
	socket.close(c)
	equal(socket.start(s), s)
	equal({ socket.read(s) }, { false, "" })
	close(s)
end)

case("onclose runs once, with the id", function()
	local c, s = net.pair()
	local ids = {}
	socket.onclose(c, function(id)
		ids[#ids + 1] = id
	end)
	socket.close(s)
	net.until_closed(c)
	socket.close(c)
	equal(ids, { c })
end)

case("pause stops reading until the next read", function()
	local c, s = net.pair()
	socket.pause(c)
	socket.write(s, "abc")
	equal(socket.read(c), "abc")
	close(c, s)
end)

case("a buffer over 128 KiB pauses its socket, and nothing is lost", function()
	local c, s = net.pair()
	local chunk = ("x"):rep(64 * 1024)
	for _ = 1, 64 do
		socket.write(s, chunk)
	end
	for i = 1, 64 do
		equal(#(socket.read(c, #chunk) or ""), #chunk, "chunk " .. i)
	end
	close(c, s)
end)

case("the limit closes a socket whose line does not end", function()
	local c, s = net.pair()
	socket.limit(c, 1000)
	socket.write(s, ("x"):rep(5000))
	local line, rest = socket.readline(c)
	equal(line, false)
	ok(#rest > 1000)
	equal(socket.disconnected(c), true)
	close(c, s)
end)

case("the limit does not apply to a count", function()
	local c, s = net.pair()
	socket.limit(c, 1000)
	local reader = net.spawn(socket.read, c, 5000)
	skynet.yield()
	socket.write(s, ("x"):rep(5000))
	equal(#reader.wait(), 5000)
	close(c, s)
end)

case("a slow reader makes warnings, and a last one when all is sent", function()
	local c, s = net.pair()
	socket.pause(s)
	local warnings = {}
	socket.warning(c, function(id, kib)
		equal(id, c)
		warnings[#warnings + 1] = kib
	end)
	local chunk = ("x"):rep(512 * 1024)
	for _ = 1, 32 do
		socket.write(c, chunk)
	end
	for _ = 1, 32 do
		equal(#(socket.read(s, #chunk) or ""), #chunk)
	end
	net.until_true(function() return warnings[#warnings] == 0 end, "drained")
	ok(warnings[1] >= 1024 and warnings[1] < 2048, "the first at 1 MiB: " .. tostring(warnings[1]))
	ok(#warnings >= 3)
	close(c, s)
end)

case("everything that write takes", function()
	local c, s = net.pair()
	socket.write(s, { "ab", "cd" })
	socket.write(s, 12)
	socket.lwrite(s, "low")
	equal(socket.read(c, 9), "abcd12low")
	close(c, s)
end)

case("a reset of the peer ends a read", function()
	local c, s = net.pair()
	socket.write(c, "unread")
	local reader = net.spawn(socket.read, c)
	skynet.sleep(2)
	socket.shutdown(s)
	equal({ reader.wait() }, { false, "" })
	close(c, s)
end)

case("a listener tells its port and does not read", function()
	local id, ip, port = socket.listen "127.0.0.1:0"
	equal(ip, "127.0.0.1")
	ok(port > 0)
	socket.start(id, function() end)
	raises("Need buffer object at param 1", socket.read, id)
	raises("Listen error", socket.listen, "127.0.0.1", port)
	close(id)
end)

case("a listener's callback that fails fails alone", function()
	local accepted
	local port, id = net.serve(function(fd)
		if accepted == nil then
			accepted = fd
			error "a callback that fails on purpose"
		end
		socket.start(fd)
		socket.write(fd, "hi")
	end, true)
	local first = socket.open("127.0.0.1", port)
	net.until_true(function() return accepted end)
	local second = socket.open("127.0.0.1", port)
	equal(socket.read(second, 2), "hi")
	socket.close_fd(accepted)
	close(first, second, id)
end)

case("UDP there and back", function()
	local server, client
	local got = {}
	server = socket.udp(function(text, from)
		got[#got + 1] = text
		equal((socket.udp_address(from)), "127.0.0.1")
		socket.sendto(server, from, "re:" .. text)
	end, "127.0.0.1", 18651)
	client = socket.udp_dial("127.0.0.1", 18651, function(text)
		got[#got + 1] = text
	end)
	socket.write(client, "hi")
	net.until_true(function() return #got == 2 end)
	equal(got, { "hi", "re:hi" })
	close(client, server)
	ok(socket.invalid(server))
end)

case("netstat lists a connection", function()
	local c, s = net.pair()
	local found
	for _, entry in ipairs(socket.netstat()) do
		if entry.id == c then
			found = entry
		end
	end
	equal(found and found.type, "TCP")
	equal(found and found.address, skynet.self())
	close(c, s)
end)

kit.run()
