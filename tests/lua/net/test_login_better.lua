-- Where snax.msgserver and snax.loginserver do better than the original, on purpose. Config key login_port: a free port.

local skynet = require "skynet"
local socket = require "skynet.socket"
local crypt = require "skynet.crypt"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local equal, case = kit.equal, kit.case

local SECRET <const> = "12345678"

skynet.register_protocol {
	name = "probe",
	id = 20,
	pack = skynet.pack,
	unpack = skynet.unpack,
}

local server, port, user

local function ask(...)
	return skynet.call(server, "probe", ...)
end

local function attach(index)
	local fd = assert(socket.open("127.0.0.1", port))
	local text = user .. ":" .. index
	text = text .. ":" .. crypt.base64encode(crypt.hmac_hash(SECRET, text))
	socket.write(fd, string.pack(">s2", text))
	equal(socket.read(fd, 8), "\0\006200 OK")
	return fd
end

local function request(fd, message, session)
	socket.write(fd, string.pack(">s2", message .. string.pack(">I4", session)))
	return socket.read(fd, string.unpack(">I2", socket.read(fd, 2))):sub(1, -6)
end

local function until_event(name)
	net.until_true(function()
		for _, event in ipairs(ask "events") do
			if event[1] == name then
				return true
			end
		end
	end, name)
end

local function login(uid)
	user = skynet.call(server, "lua", "login", uid, crypt.hexencode(SECRET))
end

case("the end of an older connection does not take the address of the newer", function()
	login "address"
	local a, b = attach(1), attach(2)
	local address = ask("ip", user)
	socket.close(a)
	until_event "disconnect"
	equal(ask("ip", user), address)
	socket.close(b)
	until_event "disconnect"
	equal(ask("ip", user), nil)
end)

case("logout closes older connections, too", function()
	login "older"
	local a, b = attach(1), attach(2)
	skynet.call(server, "lua", "logout", "older")
	equal(socket.read(a), false)
	equal(socket.read(b), false)
	socket.close(a)
	socket.close(b)
end)

case("an answer that became ready after the client has connected again is not made twice", function()
	login "once"
	local a = attach(1)
	socket.write(a, string.pack(">s2", "block once" .. string.pack(">I4", 1)))
	until_event "request"
	local b = attach(2)
	ask("unblock", "once")
	local first = socket.read(a, string.unpack(">I2", socket.read(a, 2))):sub(1, -6)
	equal(request(b, "whatever", 1), first)
	socket.close(a)
	socket.close(b)
end)

case("a client that has its answer from the login server and does not close is closed", function()
	local fd = assert(socket.open("127.0.0.1", math.tointeger(skynet.getenv "login_port")))
	socket.readline(fd)
	socket.write(fd, "nonsense!\n")
	equal(socket.readline(fd), "401 Unauthorized")
	equal(socket.read(fd), false)
	socket.close(fd)
end)

case("a port in use leaves no slaves of the login server behind", function()
	local before = skynet.call(".launcher", "lua", "LIST")
	kit.raises("", skynet.newservice, "loginserver_probe", "again")
	local after = skynet.call(".launcher", "lua", "LIST")
	equal(after, before)
end)

kit.run(function()
	skynet.newservice "loginserver_probe"
	local id, _, free = socket.listen("127.0.0.1", 0)
	socket.close(id)
	port = free
	server = skynet.newservice "msgserver_probe"
	skynet.call(server, "lua", "open", { address = "127.0.0.1", port = port, servername = "sample" })
end)
