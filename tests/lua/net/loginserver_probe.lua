-- A login server, for the test of it. Config keys login_port: where it listens; login_multi: "true" = the same user may log
-- in several times at once.

local skynet = require "skynet"
local login = require "snax.loginserver"

local multi = skynet.getenv "login_multi" == "true"
local waiting = {}	-- tokens of logins that are held up
local logins = {}	-- { server, uid, secret }

local server = {
	host = "127.0.0.1",
	port = math.tointeger(skynet.getenv "login_port"),
	instance = 3,
	multilogin = multi,
	name = (...) or "login_probe",
}

-- A token is "server uid word"; words make it fail, or its login.
function server.auth_handler(token)
	local name, uid, word = token:match "^(%w+) (%w+) (%w+)$"
	assert(word ~= "wrong", "the password is wrong")
	return name .. ":" .. word, uid ~= "nobody" and uid or nil
end

function server.login_handler(name, uid, secret)
	local word
	name, word = name:match "^(%w+):(%w+)$"
	logins[#logins + 1] = { name, uid, secret }
	if word == "refused" then
		error "this server is full"
	elseif word == "nothing" then
		return nil
	elseif word == "hold" then
		local token = {}
		waiting[#waiting + 1] = token
		skynet.wait(token)
	end
	return "subid of " .. uid
end

local command = {}

function command.logins()
	local list = logins
	logins = {}
	return list
end

function command.waiting()
	return #waiting
end

function command.release()
	for _, token in ipairs(waiting) do
		skynet.wakeup(token)
	end
	waiting = {}
end

function server.command_handler(cmd, ...)
	return assert(command[cmd], cmd)(...)
end

login(server)
