-- snax.loginserver: right, wrong and replayed handshakes. Config keys login_port: a free port; login_multi: "true" or none.

local skynet = require "skynet"
local socket = require "skynet.socket"
local crypt = require "skynet.crypt"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local equal, case = kit.equal, kit.case

local b64encode, b64decode = crypt.base64encode, crypt.base64decode
local port = math.tointeger(skynet.getenv "login_port")
local multi = skynet.getenv "login_multi" == "true"
local login		-- the service

local function connect()
	local fd = assert(socket.open("127.0.0.1", port))
	return fd, assert(b64decode(assert(socket.readline(fd))))
end

local function answer(fd)
	local line = socket.readline(fd)
	socket.close(fd)
	return line
end

-- A handshake; lines = { key =, hmac =, token = } replace those that would be sent. Returns fd and the secret, or the answer
-- to a line that was replaced.
local function begin(token, lines)
	lines = lines or {}
	local fd, challenge = connect()
	local key = crypt.randomkey()
	local function send(name, data)
		socket.write(fd, (lines[name] or b64encode(data)) .. "\n")
		return lines[name]
	end
	if send("key", crypt.dhexchange(key)) then
		return nil, answer(fd)
	end
	local secret = crypt.dhsecret(b64decode(socket.readline(fd)), key)
	if send("hmac", crypt.hmac64(challenge, secret)) then
		return nil, answer(fd)
	end
	if send("token", token and crypt.desencode(secret, token)) then
		return nil, answer(fd)
	end
	return fd, secret
end

local function try(token, lines)
	local fd, result = begin(token, lines)
	return fd and answer(fd) or result
end

local function accepted(subid)
	return "200 " .. b64encode(subid)
end

case("a login gives the subid, and both sides the same secret", function()
	local fd, secret = begin "sample u1 password"
	equal(answer(fd), accepted "subid of u1")
	equal(skynet.call(login, "lua", "logins"), { { "sample", "u1", secret } })
end)

case("the server is found by its name", function()
	equal(skynet.localname ".login_probe", login)
end)

case("a login without subid", function()
	equal(try "sample u1 nothing", "200 ")
end)

case("a token that is refused", function()
	equal(try "sample u1 wrong", "401 Unauthorized")
	equal(try "no token", "401 Unauthorized")
	equal(try "", "401 Unauthorized")
end)

case("a login that is refused", function()
	equal(try "sample u1 refused", "403 Forbidden")
	equal(try "sample u1 password", accepted "subid of u1")
end)

case("lines that are wrong", function()
	for _, lines in ipairs {
		{ key = "!!" }, { key = "" }, { key = b64encode "1234567" }, { key = b64encode "123456789" },
		{ hmac = "!!" }, { hmac = "" }, { hmac = b64encode "12345678" }, { hmac = b64encode "1234567" },
		{ token = "!!" }, { token = "" }, { token = b64encode "1" }, { token = b64encode "12345678" },
		{ token = b64encode(("x"):rep(3000)) },
	} do
		equal(try(nil, lines), "401 Unauthorized", next(lines))
	end
	-- A value of which no secret can be made shows after the server's value.
	local fd = connect()
	socket.write(fd, b64encode(("\0"):rep(8)) .. "\n")
	equal(#b64decode(socket.readline(fd)), 8)
	equal(answer(fd), "401 Unauthorized")
end)

case("a handshake that was overheard is of no use", function()
	local fd, challenge = connect()
	local key = crypt.randomkey()
	local value = b64encode(crypt.dhexchange(key)) .. "\n"
	socket.write(fd, value)
	local secret = crypt.dhsecret(b64decode(socket.readline(fd)), key)
	local rest = b64encode(crypt.hmac64(challenge, secret)) .. "\n"
	rest = rest .. b64encode(crypt.desencode(secret, "sample u1 password")) .. "\n"
	socket.write(fd, rest)
	equal(answer(fd), accepted "subid of u1")

	fd = connect()
	socket.write(fd, value .. rest)
	socket.readline(fd)
	equal(answer(fd), "401 Unauthorized")
	fd = connect()
	socket.write(fd, value)
	socket.readline(fd)
	socket.write(fd, rest)
	equal(answer(fd), "401 Unauthorized")
end)

case("a user who is being let in", function()
	local fd = begin "sample u1 hold"
	net.until_true(function() return skynet.call(login, "lua", "waiting") == 1 end, "the first login waits")
	equal(try "sample u1 password", multi and accepted "subid of u1" or "406 Not Acceptable")
	equal(try "sample u2 password", accepted "subid of u2")
	skynet.call(login, "lua", "release")
	equal(answer(fd), accepted "subid of u1")
	equal(try "sample u1 password", accepted "subid of u1")
end)

case("clients that go away in between", function()
	socket.close((connect()))
	local fd = connect()
	socket.write(fd, b64encode(crypt.dhexchange(crypt.randomkey())) .. "\n")
	socket.readline(fd)
	socket.close(fd)
	socket.close((begin "sample u1 password"))
	equal(try "sample u2 password", accepted "subid of u2")
end)

case("a client that sends no line is closed when it is too much", function()
	local fd = connect()
	socket.write(fd, ("x"):rep(9000))
	equal(socket.readline(fd), false)
	socket.close(fd)
	equal(try "sample u1 password", accepted "subid of u1")
end)

case("other messages go to command_handler", function()
	equal(skynet.call(login, "lua", "waiting"), 0)
	kit.raises("", skynet.call, login, "lua", "no such command")
end)

kit.run(function()
	login = skynet.newservice "loginserver_probe"
end)
