-- A game server, with no game: it knows its users by the secret of their login, counts their requests and echoes them.

local skynet = require "skynet"
local msgserver = require "snax.msgserver"

local users = {}	-- uid -> username
local counts = {}	-- username -> requests
local subid = 0
local servername

local server = {}

function server.register_handler(name)
	servername = name
	skynet.call(".logind", "lua", "register", name, skynet.self())
end

function server.login_handler(uid, secret)
	assert(users[uid] == nil)
	subid = subid + 1
	local username = msgserver.username(uid, subid, servername)
	users[uid] = username
	counts[username] = 0
	msgserver.login(username, secret)
	return subid
end

function server.logout_handler(uid)
	local username = assert(users[uid])
	users[uid], counts[username] = nil, nil
	msgserver.logout(username)
	skynet.call(".logind", "lua", "logout", uid)
end

-- The user logs in anew.
function server.kick_handler(uid)
	if users[uid] then
		server.logout_handler(uid)
	end
end

function server.request_handler(username, message)
	if message == "logout" then
		local uid = msgserver.userid(username)
		-- Not here: the answer is to be sent first.
		skynet.fork(server.logout_handler, uid)
		return "bye"
	end
	counts[username] = counts[username] + 1
	return string.format("%s (request %d)", message, counts[username])
end

msgserver.start(server)
