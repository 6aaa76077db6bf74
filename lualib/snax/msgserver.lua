-- A gate for users who have logged in elsewhere: a handshake proves the secret of the login, requests carry a session of
-- the client's, and answers are kept, so that a client whose connection broke asks again without effect on the server.
--
-- Each successful handshake of a user has a greater number (index) than the one before; it marks the connection. A reply
-- remembers through which connection it was asked for last: asked again through the same, the session is in use for
-- something new; through another, it is the same question.

local skynet = require "skynet"
local netpack = require "skynet.netpack"
local crypt = require "skynet.crypt"
local driver = require "skynet.socketdriver"
local gateserver = require "snax.gateserver"

local b64encode <const> = crypt.base64encode
local b64decode <const> = crypt.base64decode

local EXPIRED_NUMBER <const> = 128
local OK <const> = 1
local FAILED <const> = 0
local SESSION_SIZE <const> = 4

local server = {}

-- username -> { name =, secret =, index =, fd =, address =, links = { [fd] = link }, replies = { [session] = reply },
-- replied = }. index: of the last handshake. fd and address: of the newest connection, nil when it has ended. replied: counts
-- answers; their age is reckoned in it.
--
-- A reply is { fd =, index =, packet =, number = }. fd: where it is to be sent. index: of the connection it was asked for
-- through; nil until it is finished or asked for again. packet: nil until it is finished. number: of the user's answers.
local users = {}
local fd_address = {}	-- fd -> "ip:port" of those whose handshake is awaited
local links = {}		-- fd -> { user =, index = } of those who have done it

--- Take a user name apart.
---@param username string    as `username` makes it
---@return string uid
---@return string subid
---@return string server
--- Errors: those of base64decode for anything else.
function server.userid(username)
	local uid, name, subid = username:match "^([^@]*)@([^#]*)#(.*)"
	return b64decode(uid), b64decode(subid), b64decode(name)
end

--- Make the name under which a user of a server is known here and to the client.
---@param uid string
---@param subid string|integer
---@param servername string
---@return string username
function server.username(uid, subid, servername)
	return string.format("%s@%s#%s", b64encode(uid), b64encode(servername), b64encode(tostring(subid)))
end

--- The address "ip:port" of a user's connection; nil when there is none.
---@param username string
---@return string?
function server.ip(username)
	local user = users[username]
	return user and user.address
end

--- Let a user connect from now on.
---@param username string
---@param secret string    8 bytes, from the login
--- Errors: "assertion failed!" for a user who can already.
function server.login(username, secret)
	assert(users[username] == nil)
	users[username] = { name = username, secret = secret, index = 0, links = {}, replies = {}, replied = 0 }
end

--- Forget a user and close what connections he has; no disconnect_handler is called for them.
---@param username string
--- Errors: "<username> is not online".
function server.logout(username)
	local user = users[username] or error(username .. " is not online")
	users[username] = nil
	for fd in pairs(user.links) do
		links[fd] = nil
		gateserver.closeclient(fd)
	end
end

-- The handshake: username:index:hmac. Returns the user, or nil and the answer.
local function authenticate(text)
	local username, index, hmac = text:match "^([^:]*):([^:]*):([^:]*)"
	local user = users[username]
	if user == nil then
		return nil, "404 User Not Found"
	end
	local number = tonumber(index)
	local decoded, code = pcall(b64decode, hmac)
	if not (number and decoded) then
		return nil, "400 Bad Request"
	end
	if number <= user.index then
		return nil, "403 Index Expired"
	end
	if code ~= crypt.hmac_hash(user.secret, username .. ":" .. index) then
		return nil, "401 Unauthorized"
	end
	user.index = number
	return user, "200 OK"
end

local function handshake(fd, text)
	local user, answer = authenticate(text)
	local address = fd_address[fd]
	fd_address[fd] = nil
	if user then
		user.fd, user.address = fd, address
		local link = { user = user, index = user.index }
		user.links[fd] = link
		links[fd] = link
	end
	driver.send(fd, netpack.pack(answer))
	if not user then
		gateserver.closeclient(fd)
	end
end

-- Drop the older half of the answers when there are two times so many as are to be kept.
local function expire(user, expired_number)
	if user.replied < 2 * expired_number then
		return
	end
	user.replied = user.replied - expired_number
	for session, reply in pairs(user.replies) do
		if reply.number then
			reply.number = reply.number - expired_number
			if reply.number < 0 then
				user.replies[session] = nil
			end
		end
	end
end

local function execute(conf, user, session, message)
	local ok, content = pcall(conf.request_handler, user.name, message)
	if not ok then
		skynet.error(content)
		content = nil
	end
	return string.pack(">s2", (content or "") .. string.pack(">BI4", ok and OK or FAILED, session))
end

local function request(conf, fd, text)
	local link = links[fd]
	if #text < SESSION_SIZE then
		error "data string too short"
	end
	local user = link.user
	local session = string.unpack(">I4", text, -SESSION_SIZE)
	local reply = user.replies[session]
	if reply and reply.index == link.index then
		user.replies[session] = nil
		if reply.packet == nil then
			local err = "Conflict session " .. crypt.hexencode(tostring(session))
			skynet.error(err)
			error(err)
		end
		reply = nil
	end
	if reply then
		reply.fd, reply.index = fd, link.index
		if reply.packet == nil then
			-- Whoever executes it will send it there.
			return
		end
	else
		reply = { fd = fd }
		user.replies[session] = reply
		local packet = execute(conf, user, session, text:sub(1, -SESSION_SIZE - 1))
		-- That may have taken a while: the answer may be wanted elsewhere, and the user may be gone.
		reply.packet = packet
		reply.index = reply.index or link.index
	end
	reply.number = user.replied
	user.replied = user.replied + 1
	if links[reply.fd] then
		driver.send(reply.fd, reply.packet)
	end
	expire(user, conf.expired_number or EXPIRED_NUMBER)
end

--- Serve users. It starts the service; Lua commands `login`, `logout` and `kick` go to the handlers of these names with
--- their arguments, `open` and `close` are those of snax.gateserver, `open` answering what register_handler returns.
---
---@class snax.msghandler
---@field register_handler fun(servername: string): any ...    after listening began; servername from the table of `open`
---@field login_handler fun(...): any ...    of the login server: calls server.login
---@field logout_handler fun(...): any ...    calls server.logout
---@field kick_handler fun(...): any ...
---@field request_handler fun(username: string, message: string): string?    its result is the answer, at most 65530 bytes;
--- an error tells the client that it failed. May yield: other requests of the user go on meanwhile
---@field disconnect_handler fun(username: string)?    a connection of the user has ended
---@field expired_number integer?    128; so many answers at least are kept for a client that connects again
---
---@param conf snax.msghandler
function server.start(conf)
	local handler = {}

	function handler.open(_, gateconf)
		return conf.register_handler(assert(gateconf.servername, "no servername"))
	end

	function handler.command(cmd, _, ...)
		local name = tostring(cmd)
		local f = (name == "login" or name == "logout" or name == "kick") and conf[name .. "_handler"]
		return assert(f, name)(...)
	end

	function handler.connect(fd, address)
		fd_address[fd] = address
		gateserver.openclient(fd)
	end

	function handler.disconnect(fd)
		fd_address[fd] = nil
		gateserver.closeclient(fd)
		local link = links[fd]
		if link == nil then
			return
		end
		local user = link.user
		links[fd] = nil
		user.links[fd] = nil
		-- The end of an older connection says nothing about the newest.
		if user.fd == fd then
			user.fd, user.address = nil, nil
		end
		if conf.disconnect_handler then
			conf.disconnect_handler(user.name)
		end
	end

	handler.error = handler.disconnect

	function handler.message(fd, msg, sz)
		local text = netpack.tostring(msg, sz)
		if fd_address[fd] then
			handshake(fd, text)
		elseif links[fd] then
			local ok, err = pcall(request, conf, fd, text)
			if not ok then
				skynet.error(string.format("Invalid package %s : %s", err, text))
				if links[fd] then
					gateserver.closeclient(fd)
				end
			end
		end
	end

	gateserver.start(handler)
end

return server
