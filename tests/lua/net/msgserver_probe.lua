-- A msgserver whose handlers record what happens, for the test of it. Argument: expired_number.

local skynet = require "skynet"
local crypt = require "skynet.crypt"
local msgserver = require "snax.msgserver"

local events = {}	-- { name, ... } in order
local server = { expired_number = math.tointeger((...)) }
local blocked = {}	-- message -> token of the request that waits

local function record(...)
	events[#events + 1] = { ... }
end

function server.register_handler(name)
	record("register", name)
	return "registered", name
end

function server.login_handler(uid, secret, ...)
	record("login", uid, secret, ...)
	local username = msgserver.username(uid, "sub", "server")
	msgserver.login(username, crypt.hexdecode(secret))
	return username
end

function server.logout_handler(uid, ...)
	record("logout", uid, ...)
	msgserver.logout(msgserver.username(uid, "sub", "server"))
	return "out"
end

function server.kick_handler(...)
	record("kick", ...)
	return "kicked", ...
end

function server.disconnect_handler(username)
	record("disconnect", username)
end

local calls = 0

function server.request_handler(username, message)
	calls = calls + 1
	record("request", username, message)
	local word, argument = message:match "^(%w+) ?(.*)"
	if word == "fail" then
		error "a handler that fails on purpose"
	elseif word == "block" then
		local token = {}
		blocked[argument] = token
		skynet.wait(token)
	elseif word == "unblock" then
		skynet.wakeup(blocked[argument])
	elseif word == "nothing" then
		return nil
	elseif word == "ip" then
		return msgserver.ip(username)
	elseif word == "events" then
		local list = {}
		for i, event in ipairs(events) do
			list[i] = table.concat(event, " ")
		end
		events = {}
		return table.concat(list, "\n")
	elseif word == "ids" then
		return table.concat({ msgserver.userid(username) }, " ")
	elseif word == "long" then
		return ("x"):rep(math.tointeger(argument))
	end
	return message .. " " .. calls
end

-- Not a part of the protocol: the test asks in a message of its own type.
skynet.register_protocol {
	name = "probe",
	id = 20,
	pack = skynet.pack,
	unpack = skynet.unpack,
	dispatch = function(_, _, what, ...)
		if what == "events" then
			local list = events
			events = {}
			skynet.retpack(list)
		elseif what == "unblock" then
			skynet.wakeup(blocked[...])
			skynet.retpack()
		else
			skynet.retpack(msgserver[what](...))
		end
	end,
}

msgserver.start(server)
