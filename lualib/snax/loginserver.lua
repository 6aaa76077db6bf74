-- A login server: a line protocol that agrees on a secret and learns a token under it, and one master that lets users in.
--
--     S -> C   challenge, 8 random bytes               each line is base64 and ends with "\n"
--     C -> S   dhexchange(client key)
--     S -> C   dhexchange(server key)                  secret = dhsecret(other's value, own key)
--     C -> S   hmac64(challenge, secret)
--     C -> S   desencode(secret, token)
--     S -> C   "200 " and the subid, or an error line
--
-- The master accepts clients and gives them in turn to slaves, services of the same script, so that a token that takes
-- long to check holds up few. A slave reads a client up to its token, and answers the master what came of it.

local skynet = require "skynet"
local socket = require "skynet.socket"
local crypt = require "skynet.crypt"
require "skynet.manager"

local b64encode <const> = crypt.base64encode
local b64decode <const> = crypt.base64decode

local LINE_LIMIT <const> = 8192		-- bytes of a client's that may wait to be read
local LINGER <const> = 200			-- 1/100 s until a client that has its answer is closed, if it does not close itself

-- What a slave answers, before its values.
local ACCEPTED <const> = "accepted"	-- server, uid, secret
local REFUSED <const> = "refused"	-- text of the error
local LOST <const> = "lost"			-- nothing: the client has closed

-- the slave

local closed = {}	-- the error of a connection that has ended

local function read(fd)
	return b64decode(socket.readline(fd) or error(closed))
end

local function write(fd, data)
	if not socket.write(fd, b64encode(data) .. "\n") then
		error(closed)
	end
end

-- Returns the secret and the token.
local function handshake(fd)
	local challenge = crypt.randomkey()
	write(fd, challenge)
	local client_value = read(fd)
	if #client_value ~= 8 then
		error "Invalid client key"
	end
	local key = crypt.randomkey()
	write(fd, crypt.dhexchange(key))
	local secret = crypt.dhsecret(client_value, key)
	if read(fd) ~= crypt.hmac64(challenge, secret) then
		error "challenge failed"
	end
	return secret, crypt.desdecode(secret, read(fd))
end

local function authenticate(conf, fd)
	if not socket.start(fd) then
		error(closed)
	end
	socket.limit(fd, LINE_LIMIT)
	local secret, token = handshake(fd)
	local server, uid = conf.auth_handler(token)
	return server, uid, secret
end

local function slave(conf)
	local function answer(fd, ok, ...)
		socket.abandon(fd)
		if ok then
			return ACCEPTED, ...
		end
		local err = ...
		if err == closed then
			skynet.error(string.format("auth failed: socket (fd = %d) closed", fd))
			return LOST
		end
		return REFUSED, tostring(err)
	end

	skynet.dispatch("lua", function(_, _, fd, address)
		skynet.error(string.format("connect from %s (fd = %d)", address, fd))
		skynet.retpack(answer(fd, pcall(authenticate, conf, fd)))
	end)
end

-- the master

local function master(conf)
	local count = conf.instance or 8
	assert(count > 0)
	local host, port = conf.host or "0.0.0.0", assert(tonumber(conf.port), "no port")
	-- Before slaves are launched, so that a port in use leaves none behind.
	local listener = socket.listen(host, port)
	local slaves = {}
	for i = 1, count do
		slaves[i] = skynet.newservice(SERVICE_NAME)
	end
	local turn = 0
	local entering = {}	-- uid -> true while its login_handler runs

	local function let_in(server, uid, secret)
		return "200 " .. b64encode(conf.login_handler(server, uid, secret) or "")
	end

	-- Returns the answer to a client, nil for none, and an error for the log.
	local function judge(status, ...)
		if status == LOST then
			return nil, "socket error"
		elseif status == REFUSED then
			return "401 Unauthorized", (...)
		end
		local _, uid = ...
		if uid == nil then
			return "401 Unauthorized", "no uid"
		end
		if not conf.multilogin then
			if entering[uid] then
				return "406 Not Acceptable", string.format("User %s is already login", uid)
			end
			entering[uid] = true
		end
		local ok, result = pcall(let_in, ...)
		if not conf.multilogin then
			entering[uid] = nil
		end
		if ok then
			return result
		end
		return "403 Forbidden", result
	end

	local function ask(handle, ...)
		local result = table.pack(pcall(skynet.call, handle, "lua", ...))
		if result[1] then
			return table.unpack(result, 2, result.n)
		end
		return REFUSED, result[2]
	end

	local function serve(fd, address)
		turn = turn % count + 1
		local answer, err = judge(ask(slaves[turn], fd, address))
		if err then
			skynet.error(string.format("invalid client (fd = %d) error = %s", fd, err))
		end
		if answer == nil then
			socket.close_fd(fd)
			return
		end
		socket.write(fd, answer .. "\n")
		-- Not at once: what the client has sent and nobody has read would make that a reset, which may overtake the answer.
		skynet.timeout(LINGER, function()
			socket.close_fd(fd)
		end)
	end

	skynet.dispatch("lua", function(_, _, ...)
		skynet.retpack(conf.command_handler(...))
	end)
	skynet.error(string.format("login server listen at : %s %d", host, port))
	socket.start(listener, serve)
end

--- Serve logins. It starts the service, which is registered as "." .. name; to its Lua messages command_handler answers.
---
---@class snax.loginconf
---@field port integer
---@field host string?    0.0.0.0
---@field instance integer?    8: how many slaves read clients and run auth_handler
---@field multilogin boolean?    may a user log in while his login_handler runs? Otherwise the second gets 406
---@field name string?    "login"
---@field auth_handler fun(token: string): string, string    server and uid; runs in a slave, may yield. An error: 401
---@field login_handler fun(server: string, uid: string, secret: string): string?    subid; runs in the master, may yield. An
--- error: 403
---@field command_handler fun(cmd: any, ...: any): any ...
---
---@param conf snax.loginconf
local function login(conf)
	local name = "." .. (conf.name or "login")
	skynet.start(function()
		if skynet.localname(name) then
			slave(conf)
		else
			skynet.register(name)
			master(conf)
		end
	end)
end

return login
