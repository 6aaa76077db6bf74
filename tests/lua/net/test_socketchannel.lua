-- skynet.socketchannel: ordered and session mode, loss and return of the server, backups, authentication.

local skynet = require "skynet"
local socket = require "skynet.socket"
local socketchannel = require "skynet.socketchannel"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local ok, equal, case = kit.ok, kit.equal, kit.case

-- The server echoes lines. "silent" is not answered, "die" closes, "raw a|b" answers several lines.
local port
local clients = {}
local lines = {}

local function serve(fd)
	clients[fd] = true
	while true do
		local line = socket.readline(fd)
		if not line or line == "die" then
			break
		end
		lines[#lines + 1] = line
		if line:sub(1, 4) == "raw " then
			socket.write(fd, (line:sub(5):gsub("|", "\n")))
		elseif line ~= "silent" then
			socket.write(fd, line .. "\n")
		end
	end
	clients[fd] = nil
	socket.close(fd)
end

local function channel(desc)
	desc = desc or {}
	desc.host = desc.host or "127.0.0.1"
	desc.port = desc.port or port
	return socketchannel.channel(desc)
end

-- Ordered replies by their first letter.
local function reply(sock)
	local line = sock:readline "\n"
	local kind = line:sub(1, 1)
	if kind == "-" then
		return false, line:sub(2)
	elseif kind == "t" then
		return false, { line }
	elseif kind == "n" then
		return false
	elseif kind == "!" then
		error "a reply that cannot be read"
	end
	return true, line, kind == "+"
end

local function session_reply(sock)
	local line = sock:readline "\n"
	local session, kind, data = line:match "^(%d+)(%a)(.*)"
	session = tonumber(session)
	if kind == "x" then
		error "a reply that cannot be read"
	end
	return session, kind ~= "e", data, kind == "p"
end

local function request(ch, ...)
	return net.spawn(ch.request, ch, ...)
end

local function fails(wanted, task)
	local success, err = pcall(task.wait)
	equal(success, false)
	if type(wanted) == "string" then
		kit.contains(err, "socketchannel.lua:")
		kit.contains(err, wanted)
	else
		equal(rawequal(err, wanted), true, tostring(err))
	end
end

case("ordered replies reach those who asked, in order", function()
	local ch = channel()
	local tasks = {}
	for i = 1, 50 do
		tasks[i] = request(ch, "line " .. i .. "\n", reply)
	end
	for i = 1, 50 do
		equal(tasks[i].wait(), "line " .. i)
	end
	equal(select("#", ch:request "silent\n"), 0, "without response nothing is waited for")
	ch:close()
end)

case("a reply in parts comes as an array", function()
	local ch = channel()
	equal(ch:request("raw +1|+2|end|\n", reply), { "+1", "+2", "end" })
	fails("bad", request(ch, "raw +1|-bad|\n", reply))
	equal(ch:request("abc", reply, { "def", "ghi\n" }), "abcdefghi")
	ch:close()
end)

case("a refusal throws a text with a position, and anything else as it is", function()
	local ch = channel()
	fails("oops", request(ch, "-oops\n", reply))
	local success, err = pcall(ch.request, ch, "table\n", reply)
	equal({ success, err }, { false, { "table" } })
	equal((pcall(ch.request, ch, "nil\n", reply)), false)
	ch:close()
end)

case("a reply that cannot be read loses the connection, for all who wait", function()
	local ch = channel()
	local first, second = request(ch, "!\n", reply), request(ch, "silent\n", reply)
	fails("a reply that cannot be read", first)
	fails("a reply that cannot be read", second)
	equal(ch:request("again\n", reply), "again")
	ch:close()
end)

case("when the server goes, all who wait fail, and the next request connects again", function()
	local ch = channel()
	local tasks = { request(ch, "silent\n", reply), request(ch, "silent\n", reply), request(ch, "die\n", reply) }
	for _, task in ipairs(tasks) do
		fails(socketchannel.error, task)
	end
	equal(tostring(socketchannel.error), "[Error: socket]")
	equal(ch:request("back\n", reply), "back")
	ch:close()
end)

case("an idle channel notices that the server has gone", function()
	local ch = channel()
	ch:request "die\n"
	net.until_true(function() return next(clients) == nil end)
	skynet.sleep(2)
	equal(ch:request("back\n", reply), "back")
	ch:close()
end)

case("close fails who waits, and later requests until connect", function()
	local ch = channel()
	local first, second = request(ch, "silent\n", reply), request(ch, "silent\n", reply)
	skynet.sleep(2)
	ch:close()
	fails(socketchannel.error, first)
	fails("channel_closed", second)
	fails("assertion failed!", request(ch, "x\n", reply))
	fails("assertion failed!", net.spawn(ch.response, ch, reply))
	equal(ch:connect(true), true)
	equal(ch:connect(), true)
	equal(ch:request("x\n", reply), "x")
	ch:close()
	ch:close()
end)

case("changehost fails who waits and goes to the new host", function()
	local other_port, id = net.serve(function(fd)
		socket.readline(fd)
		socket.write(fd, "other\n")
	end)
	local ch = channel()
	local waiting = request(ch, "silent\n", reply)
	skynet.sleep(2)
	ch:changehost("127.0.0.1", other_port)
	fails(socketchannel.error, waiting)
	equal(ch:request("x\n", reply), "other")
	ch:close()
	socket.close(id)
end)

case("response waits for what was not asked for", function()
	local ch = channel()
	local waiting = net.spawn(ch.response, ch, reply)
	skynet.sleep(2)
	ch:request "unasked\n"
	equal(waiting.wait(), "unasked")
	ch:close()
end)

case("sessions may be answered in any order", function()
	local ch = channel { response = session_reply, nodelay = true }
	local second = request(ch, "silent\n", 2)
	local third = request(ch, "raw 3athree|99a|2atwo|\n", 3)
	equal(second.wait(), "two")
	equal(third.wait(), "three")
	equal(ch:request("raw 4pa|4pb|4ac|\n", 4), { "a", "b", "c" })
	fails("c", request(ch, "raw 5pa|5ec|\n", 5))
	fails("wrong", request(ch, "6ewrong\n", 6))
	ch:close()
end)

case("a session in use is refused", function()
	local ch = channel { response = session_reply }
	local waiting = request(ch, "silent\n", 1)
	skynet.sleep(1)
	fails("session 1 has a request already", request(ch, "silent\n", 1))
	ch:close()
	fails(socketchannel.error, waiting)
end)

case("in session mode a broken reply fails all", function()
	local ch = channel { response = session_reply }
	local waiting = request(ch, "silent\n", 1)
	skynet.sleep(1)
	fails("a reply that cannot be read", request(ch, "2x\n", 2))
	fails("a reply that cannot be read", waiting)
	waiting = request(ch, "silent\n", 3)
	skynet.sleep(1)
	fails(socketchannel.error, request(ch, "no session\n", 4))
	fails(socketchannel.error, waiting)
	waiting = request(ch, "silent\n", 5)
	skynet.sleep(1)
	fails(socketchannel.error, request(ch, "die\n", 6))
	fails(socketchannel.error, waiting)
	equal(ch:request("7aback\n", 7), "back")
	ch:close()
end)

case("who cannot connect fails, and so do those behind", function()
	local ch = channel { port = 1 }
	local tasks = {}
	for i = 1, 3 do
		tasks[i] = request(ch, "x\n", reply)
	end
	for i = 1, 3 do
		fails(socketchannel.error, tasks[i])
	end
	fails(socketchannel.error, net.spawn(ch.connect, ch, true))
	local combined = socketchannel.channel { host = "127.0.0.1:" .. port }
	equal(combined:request("x\n", reply), "x")
	combined:close()
	kit.raises("assertion failed!", socketchannel.channel, {})
end)

case("backups are tried in their order", function()
	local ch = channel { port = 1, backup = { { host = "127.0.0.1", port = 2 }, { host = "127.0.0.1", port = port } } }
	equal(ch:connect(true), true)
	equal(ch:request("x\n", reply), "x")
	ch:close()
	local same_port = channel { host = "127.0.0.2", port = port, backup = { "127.0.0.1" } }
	equal(same_port:request("x\n", reply), "x")
	same_port:close()
end)

case("auth runs after each connect, before anybody else's request", function()
	local logins = 0
	local ch = channel {
		auth = function(c)
			logins = logins + 1
			equal(c:request("login\n", reply), "login")
		end,
	}
	local first, second = request(ch, "a\n", reply), request(ch, "b\n", reply)
	equal({ first.wait(), second.wait() }, { "a", "b" })
	equal({ lines[#lines - 2], lines[#lines - 1], lines[#lines] }, { "login", "a", "b" })
	fails(socketchannel.error, request(ch, "die\n", reply))
	ch:request("c\n", reply)
	equal(logins, 2)
	ch:close()
end)

case("auth that fails fails the connect, or leads to a backup", function()
	local refuse = 1
	local function auth()
		refuse = refuse - 1
		if refuse >= 0 then
			error "denied"
		end
	end
	local ch = channel { auth = auth }
	fails(socketchannel.error, request(ch, "x\n", reply))
	equal(ch:request("x\n", reply), "x")
	ch:close()
	refuse = 1
	ch = channel { auth = auth, backup = { { host = "127.0.0.1", port = port } } }
	equal(ch:request("x\n", reply), "x")
	ch:close()
	ch = channel {
		auth = function(c)
			c:request("die\n", reply)
		end,
	}
	fails(socketchannel.error, request(ch, "x\n", reply))
	ch:close()
end)

case("auth may lead to another host", function()
	local calls = 0
	local ch
	ch = channel {
		auth = function(c)
			calls = calls + 1
			if calls == 1 then
				c:changehost("127.0.0.1", port)
			end
		end,
	}
	equal(ch:request("x\n", reply), "x")
	equal(calls, 2)
	ch:close()
end)

case("connect without once goes on until the server is there, or close", function()
	local free_port, id = net.serve(function() end)
	socket.close(id)
	local ch = channel { port = free_port }
	local connecting = net.spawn(ch.connect, ch)
	skynet.sleep(20)
	ok(not connecting.done)
	id = socket.listen("127.0.0.1", free_port)
	socket.start(id, function(fd)
		socket.start(fd)
	end)
	equal(connecting.wait(), true)
	ch:close()
	socket.close(id)

	ch = channel { port = 1 }
	connecting = net.spawn(ch.connect, ch)
	skynet.sleep(5)
	ch:close()
	equal(connecting.wait(), false)
end)

case("a killed connector lets others connect", function()
	local ch = channel { port = 1 }
	local co = skynet.fork(ch.connect, ch)
	skynet.sleep(5)
	local waiting = request(ch, "x\n", reply)
	skynet.yield()
	skynet.killthread(co)
	fails(socketchannel.error, waiting)
	ch:changehost("127.0.0.1", port)
	equal(ch:request("x\n", reply), "x")
	ch:close()
end)

case("overload is told once, and its end", function()
	local peer
	local slow_port, id = net.serve(function(fd)
		socket.pause(fd)
		peer = fd
	end)
	local told = {}
	local ch = channel { port = slow_port, overload = function(is) told[#told + 1] = is end }
	local chunk = ("x"):rep(1024 * 1024)
	ch:connect(true)
	net.until_true(function() return peer end, "a peer that does not read")
	for _ = 1, 32 do
		ch:request(chunk)
	end
	net.until_true(function() return #told == 1 end, "overload")
	for _ = 1, 32 do
		socket.read(peer, #chunk)
	end
	net.until_true(function() return #told == 2 end, "no overload")
	equal(told, { true, false })
	ch:close()
	socket.close(id)
end)

case("an idle channel that nobody has any more closes its connection", function()
	net.until_true(function() return next(clients) == nil end)
	local ch = channel { response = session_reply }
	equal(ch:request("1ax\n", 1), "x")
	local other = channel()
	equal(other:request("x\n", reply), "x")
	ch, other = nil, nil
	net.until_true(function()
		collectgarbage()
		return next(clients) == nil
	end, "collected")
end)

kit.run(function()
	port = net.serve(serve)
end)
