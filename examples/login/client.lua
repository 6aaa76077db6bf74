-- A client: the whole handshake with the login server, then the game server, with a connection that breaks in between.

local skynet = require "skynet"
local socket = require "skynet.socket"
local crypt = require "skynet.crypt"

local host = skynet.getenv "host"
local encode, decode = crypt.base64encode, crypt.base64decode

-- The login server: lines of base64.
local function login(uid, server, password)
	local fd = assert(socket.open(host, tonumber(skynet.getenv "login_port")))
	local function send(data)
		socket.write(fd, encode(data) .. "\n")
	end
	local challenge = decode(socket.readline(fd))
	local key = crypt.randomkey()
	send(crypt.dhexchange(key))
	local secret = crypt.dhsecret(decode(socket.readline(fd)), key)
	send(crypt.hmac64(challenge, secret))
	local token = string.format("%s@%s:%s", encode(uid), encode(server), encode(password))
	send(crypt.desencode(secret, token))
	local answer = socket.readline(fd)
	socket.close(fd)
	local subid = answer:match "^200 (.+)"
	return answer, secret, subid and decode(subid)
end

-- The game server: packets behind a length of two bytes.
local function read(fd)
	return socket.read(fd, string.unpack(">I2", socket.read(fd, 2)))
end

local function connect(username, secret, index)
	local fd = assert(socket.open(host, tonumber(skynet.getenv "game_port")))
	local text = username .. ":" .. index
	text = text .. ":" .. encode(crypt.hmac_hash(secret, text))
	socket.write(fd, string.pack(">s2", text))
	skynet.error("connection", index, "is answered:", read(fd))
	return fd
end

local function send(fd, session, text)
	socket.write(fd, string.pack(">s2", text .. string.pack(">I4", session)))
end

local function receive(fd)
	local packet = read(fd)
	local ok, session = string.unpack(">BI4", packet, -5)
	skynet.error("session", session, ok == 1 and "is answered:" or "fails", packet:sub(1, -6))
end

local function play()
	skynet.error("a wrong password is answered:", (login("alice", "sample", "guess")))
	local answer, secret, subid = login("alice", "sample", "password")
	skynet.error("the login is answered:", answer)
	local username = string.format("%s@%s#%s", encode "alice", encode "sample", encode(subid))

	local fd = connect(username, secret, 1)
	send(fd, 1, "one")
	receive(fd)
	send(fd, 2, "two")
	-- The connection breaks, and it is not known whether the request arrived: it is asked for again, with any content.
	socket.close(fd)
	fd = connect(username, secret, 2)
	send(fd, 2, "two")
	receive(fd)
	send(fd, 3, "three")
	receive(fd)
	send(fd, 4, "logout")
	receive(fd)
	skynet.error("then the server closes:", socket.read(fd) == false)
	socket.close(fd)
	-- What somebody has overheard is of no use.
	socket.close(connect(username, secret, 2))
end

skynet.start(function()
	skynet.dispatch("lua", function()
		play()
		skynet.retpack()
	end)
end)
