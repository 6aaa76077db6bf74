-- snax.msgserver: handshakes, requests, and answers that are kept for a client that connects again.

local skynet = require "skynet"
local socket = require "skynet.socket"
local crypt = require "skynet.crypt"
local driver = require "skynet.socketdriver"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local ok, equal, raises, case = kit.ok, kit.equal, kit.raises, kit.case

local SECRET <const> = "12345678"
local KEPT <const> = 3	-- expired_number of the server

skynet.register_protocol {
	name = "probe",
	id = 20,
	pack = skynet.pack,
	unpack = skynet.unpack,
}

local server, port
local user		-- name of the user of the running case
local number = 0

local function command(...)
	return skynet.call(server, "lua", ...)
end

local function ask(...)
	return skynet.call(server, "probe", ...)
end

-- The names of what has happened since the last call, with the last argument of each.
local function events()
	local list = {}
	for i, event in ipairs(ask "events") do
		list[i] = event[1] .. " " .. tostring(event[#event])
	end
	return list
end

local function login(uid)
	local name = command("login", uid, crypt.hexencode(SECRET))
	events()
	return name
end

local function connect()
	local fd = assert(socket.open("127.0.0.1", port))
	driver.nodelay(fd)
	return fd
end

local function read(fd)
	local header = socket.read(fd, 2)
	if not header then
		return nil
	end
	local size = string.unpack(">I2", header)
	return size == 0 and "" or socket.read(fd, size)
end

local function write(fd, text)
	socket.write(fd, string.pack(">s2", text))
end

local function sign(index, secret)
	local text = user .. ":" .. index
	return text .. ":" .. crypt.base64encode(crypt.hmac_hash(secret or SECRET, text))
end

-- A connection with the answer to its handshake.
local function handshake(text)
	local fd = connect()
	write(fd, text)
	return fd, read(fd)
end

local function attach(index)
	local fd, answer = handshake(sign(index))
	equal(answer, "200 OK")
	return fd
end

local function refused(text, answer)
	local fd, result = handshake(text)
	equal(result, answer, text)
	equal(socket.read(fd), false, text)
	socket.close(fd)
end

local function send(fd, message, session)
	write(fd, message .. string.pack(">I4", session))
end

-- content, ok, session of the next answer
local function receive(fd)
	local packet = assert(read(fd), "no answer")
	return { packet:sub(1, -6), string.unpack(">BI4", packet, -5) }
end

local function request(fd, message, session)
	send(fd, message, session)
	local answer = receive(fd)
	equal(answer[3], session)
	return answer[1], answer[2]
end

local function until_event(text)
	local list = {}
	net.until_true(function()
		for _, event in ipairs(events()) do
			list[#list + 1] = event
			if event == text then
				return true
			end
		end
	end, text)
	return list
end

local function user_case(name, f)
	case(name, function()
		number = number + 1
		user = login("user" .. number)
		f()
	end)
end

case("open answers what register_handler returns", function()
	local other = skynet.newservice "msgserver_probe"
	raises("", skynet.call, other, "lua", "open", { address = "127.0.0.1", port = 0 })
	skynet.kill(other)
	other = skynet.newservice "msgserver_probe"
	local conf = { address = "127.0.0.1", port = 0, servername = "sample" }
	equal({ skynet.call(other, "lua", "open", conf) }, { "registered", "sample" })
	skynet.kill(other)
end)

case("user names", function()
	equal({ ask("userid", "dTE=@c2VydmVy#c3Vi") }, { "u1", "sub", "server" })
	equal(ask("username", "u1", "sub", "server"), "dTE=@c2VydmVy#c3Vi")
	equal(ask("username", "hello", 1, "sample"), "aGVsbG8=@c2FtcGxl#MQ==")
	raises("", ask, "userid", "no name")
end)

case("commands go to the handlers as they are", function()
	equal({ command("kick", 1, nil, "x") }, { "kicked", 1, nil, "x" })
	raises("", command, "no such command")
	raises("", command, "logout", "nobody")
	login "twice"
	raises("", command, "login", "twice", crypt.hexencode(SECRET))
	equal(command("logout", "twice"), "out")
	login "twice"
	equal(command("logout", "twice"), "out")
	events()
end)

user_case("handshakes that are wrong", function()
	for text, answer in pairs {
		[""] = "404 User Not Found",
		["x"] = "404 User Not Found",
		[user] = "404 User Not Found",
		[user .. ":1"] = "404 User Not Found",
		["nobody:1:x"] = "404 User Not Found",
		[user .. ":x:"] = "400 Bad Request",
		[user .. "::"] = "400 Bad Request",
		[user .. ":1:!!!!"] = "400 Bad Request",
		[sign("x")] = "400 Bad Request",
		[sign(0)] = "403 Index Expired",
		[sign(-1)] = "403 Index Expired",
		[user .. ":1:"] = "401 Unauthorized",
		[user .. ":1:eHg="] = "401 Unauthorized",
		[sign(1, "87654321")] = "401 Unauthorized",
		[sign(1):gsub(":1:", ":2:")] = "401 Unauthorized",
	} do
		refused(text, answer)
	end
	equal(events(), {})
	socket.close(attach(1))
end)

user_case("a handshake is of use once", function()
	local a = attach(5)
	refused(sign(5), "403 Index Expired")
	refused(sign(4), "403 Index Expired")
	local b = attach(6)
	equal(request(a, "a", 1):sub(1, 1), "a")
	equal(request(b, "b", 2):sub(1, 1), "b")
	socket.close(a)
	socket.close(b)
	until_event("disconnect " .. user)
end)

user_case("requests are answered with their session", function()
	local fd = attach(1)
	equal({ request(fd, "ids", 7) }, { "user" .. number .. " sub server", 1 })
	equal({ request(fd, "nothing", 0) }, { "", 1 })
	equal({ request(fd, "fail", 0xffffffff) }, { "", 0 })
	equal(#request(fd, "long 65530", 8), 65530)
	local address = request(fd, "ip", 9)
	ok(address:match "^127%.0%.0%.1:%d+$", address)
	equal(ask("ip", user), address)
	socket.close(fd)
	until_event("disconnect " .. user)
	equal(ask("ip", user), nil)
	equal(ask("ip", "nobody"), nil)
end)

user_case("requests overlap", function()
	local fd = attach(1)
	send(fd, "block overlap", 1)
	equal({ request(fd, "nothing", 2) }, { "", 1 })
	ask("unblock", "overlap")
	equal(receive(fd)[3], 1)
	socket.close(fd)
end)

user_case("in one connection a session may be used again", function()
	local fd = attach(1)
	local first = request(fd, "same", 1)
	ok(request(fd, "same", 1) ~= first)
	socket.close(fd)
end)

user_case("a client that connects again gets the answers of before", function()
	local a = attach(1)
	local first = request(a, "first", 1)
	request(a, "fail", 2)
	events()
	socket.close(a)
	local b = attach(2)
	until_event("disconnect " .. user)
	equal({ request(b, "whatever", 1) }, { first, 1 })
	equal({ request(b, "whatever", 2) }, { "", 0 })
	equal(events(), {})
	-- Asked for through this connection they are done with.
	ok(request(b, "again", 1) ~= first)
	equal({ request(b, "nothing", 2) }, { "", 1 })
	equal(events(), { "request again", "request nothing" })
	socket.close(b)
end)

user_case("an answer that is not ready goes where it was asked for last", function()
	local a = attach(1)
	send(a, "block moved", 1)
	until_event "request block moved"
	local b = attach(2)
	send(b, "whatever", 1)
	equal(request(b, "nothing", 2), "")
	equal(events(), { "request nothing" })
	ask("unblock", "moved")
	local answer = receive(b)
	equal(answer[3], 1)
	-- The older connection has got nothing meanwhile.
	equal(request(a, "nothing", 3), "")
	-- And through a third one it is the same answer still.
	local c = attach(3)
	equal(request(c, "whatever", 1), answer[1])
	for _, fd in ipairs { a, b, c } do
		socket.close(fd)
	end
end)

user_case("a session that is in use closes the connection when it is used once too often", function()
	local fd = attach(1)
	send(fd, "block conflict", 11)
	send(fd, "once more is taken for a repetition", 11)
	equal(request(fd, "nothing", 12), "")
	send(fd, "this is too much", 11)
	equal(read(fd), nil)
	socket.close(fd)
	until_event("disconnect " .. user)
	ask("unblock", "conflict")
	local again = attach(2)
	equal(request(again, "new", 11):sub(1, 3), "new")
	socket.close(again)
end)

user_case("as many answers are kept as was asked for", function()
	-- At two times that number the older ones go.
	local a = attach(1)
	local answers = {}
	for session = 1, 2 * KEPT do
		answers[session] = request(a, "keep", session)
	end
	socket.close(a)
	local b = attach(2)
	for session = 2 * KEPT, KEPT + 1, -1 do
		equal(request(b, "keep", session), answers[session])
	end
	for session = 1, KEPT do
		ok(request(b, "keep", session) ~= answers[session])
	end
	socket.close(b)
	-- One answer less, and all are there.
	local c = attach(3)
	for session = 101, 99 + KEPT do
		request(c, "keep", session)
	end
	events()
	socket.close(c)
end)

user_case("packets that are no requests close the connection", function()
	for i, text in ipairs { "", "x", "abc" } do
		local fd = attach(i)
		write(fd, text)
		equal(read(fd), nil)
		socket.close(fd)
		until_event("disconnect " .. user)
	end
	-- Four bytes are a session.
	local fd = attach(4)
	equal(request(fd, "", 1):sub(1, 1), " ")
	send(fd, "long 65531", 2)
	equal(read(fd), nil)
	socket.close(fd)
end)

user_case("logout closes the connection and forgets the user", function()
	local fd = attach(1)
	send(fd, "block logout", 1)
	until_event "request block logout"
	equal(command("logout", "user" .. number), "out")
	equal(read(fd), nil)
	socket.close(fd)
	ask("unblock", "logout")
	refused(sign(2), "404 User Not Found")
	equal(events(), { "logout user" .. number })
	login("user" .. number)
	fd = attach(1)
	equal(request(fd, "nothing", 1), "")
	socket.close(fd)
end)

user_case("requests may follow the handshake at once", function()
	local fd = connect()
	socket.write(fd, string.pack(">s2s2s2", sign(1), "one" .. string.pack(">I4", 1), "two" .. string.pack(">I4", 2)))
	equal(read(fd), "200 OK")
	equal(receive(fd)[3], 1)
	equal(receive(fd)[3], 2)
	socket.close(fd)
	fd = connect()
	socket.write(fd, string.pack(">s2s2", sign(1), "one" .. string.pack(">I4", 1)))
	equal(read(fd), "403 Index Expired")
	equal(read(fd), nil)
	socket.close(fd)
end)

case("close ends the listener", function()
	command "close"
	net.until_true(function() return not socket.open("127.0.0.1", port) end, "nobody listens")
end)

kit.run(function()
	-- A port that is free: the server does not tell which it has.
	local id, _, free = socket.listen("127.0.0.1", 0)
	socket.close(id)
	port = free
	server = skynet.newservice("msgserver_probe", KEPT)
	command("open", { address = "127.0.0.1", port = port, servername = "sample" })
end)
