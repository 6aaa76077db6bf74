-- The login server. A token is base64(user) "@" base64(server) ":" base64(password).

local skynet = require "skynet"
local crypt = require "skynet.crypt"
local login = require "snax.loginserver"

local PASSWORD <const> = "password"	-- of everybody

local games = {}	-- servername -> handle, as they register
local online = {}	-- uid -> { game =, subid = }

local server = {
	host = skynet.getenv "host",
	port = tonumber(skynet.getenv "login_port"),
	instance = 2,	-- services that read clients
	name = "logind",
}

-- Runs in one of these.
function server.auth_handler(token)
	local user, name, password = token:match "^([^@]+)@([^:]+):(.+)$"
	assert(user, "a token of another form")
	assert(crypt.base64decode(password) == PASSWORD, "wrong password")
	return crypt.base64decode(name), crypt.base64decode(user)
end

-- From here on: in the one that accepts. What is returned goes to the client.
function server.login_handler(name, uid, secret)
	local game = assert(games[name], "no such server")
	local last = online[uid]
	if last then
		skynet.call(last.game, "lua", "kick", uid, last.subid)
		assert(online[uid] == nil, "the user is still there")
	end
	local subid = skynet.call(game, "lua", "login", uid, secret)
	online[uid] = { game = game, subid = subid }
	skynet.error(string.format("%s goes to %s as %d", uid, name, subid))
	return tostring(subid)
end

local command = {}

function command.register(name, handle)
	games[name] = handle
end

function command.logout(uid)
	online[uid] = nil
end

function server.command_handler(cmd, ...)
	return command[cmd](...)
end

login(server)
