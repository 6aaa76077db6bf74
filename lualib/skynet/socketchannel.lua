-- A connection to a server that answers requests: many coroutines share it, it is opened on demand and opened again after a
-- loss.
--
-- All that belongs to one connection is in its `conn`, which is also the sock object of response functions: what is pending
-- on a connection fails with it and never meets the next one. Exactly one coroutine reads a conn, its dispatcher: in ordered
-- mode it lives as long as requests are pending, in session mode as long as the connection. A conn refers to its channel
-- weakly, so that an idle channel that nobody uses is collected and closes its connection.

local skynet = require "skynet"
local socket = require "skynet.socket"
local driver = require "skynet.socketdriver"

local running <const> = coroutine.running
local wait <const> = skynet.wait
local wakeup <const> = skynet.wakeup

local RETRY_SECONDS <const> = 10	-- the longest pause of the first round of attempts to connect

local socketchannel = {}

--- What a request throws when its connection is lost; compare by identity.
local socket_error = setmetatable({}, { __tostring = function() return "[Error: socket]" end })
socketchannel.error = socket_error

local channel = {}
channel.__index = channel

-- requests

-- A request is { co = coroutine that waits, response = function or nil, parts = list or nil, done =, ok =, data = }.

local function finish(request, ok, data)
	request.ok = ok
	request.data = data
	request.done = true
	wakeup(request.co)
end

local function result(request)
	local co = running()
	request.co = co
	repeat
		wait(co)
	until request.done
	local data = request.data
	if request.ok then
		return data
	end
	-- A text gets a position, as from assert; anything else is thrown as it is.
	error(data)
end

-- One reply; true when it is the request's last.
local function reply(request, ok, data, padding)
	if padding then
		local parts = request.parts
		if parts then
			parts[#parts + 1] = data
		else
			request.parts = { data }
		end
		return false
	end
	local parts = request.parts
	if parts and ok then
		parts[#parts + 1] = data
		data = parts
	end
	finish(request, ok, data)
	return true
end

-- connections

local function close_socket(conn)
	local fd = conn[1]
	if not socket.invalid(fd) then
		socket.onclose(fd, nil)
		socket.close(fd)
	end
end

-- The connection is gone, or shall be: fail what is pending with err, the queue of an ordered one with queue_err. Yields.
local function lose(conn, err, queue_err)
	local owner = conn.owner[1]
	if owner and owner.conn == conn then
		owner.conn = nil
	end
	conn.lost = true
	local queue = conn.queue
	if queue then
		for i = conn.head, conn.tail do
			local request = queue[i]
			queue[i] = nil
			finish(request, false, queue_err or err)
		end
		conn.head = conn.tail + 1
	else
		local pending = conn.pending
		conn.pending = {}
		for _, request in pairs(pending) do
			finish(request, false, err)
		end
	end
	close_socket(conn)
end

local function dispatch_ordered(conn)
	local queue = conn.queue
	while true do
		local head = conn.head
		local request = queue[head]
		if request == nil then
			conn.dispatching = false
			return
		end
		queue[head] = nil
		conn.head = head + 1
		repeat
			local ok, result_ok, data, padding = pcall(request.response, conn)
			if not ok then
				finish(request, false, result_ok)
				if not conn.lost then
					lose(conn, result_ok)
				end
				return
			end
		until reply(request, result_ok, data, padding)
	end
end

local function dispatch_session(conn, response)
	while true do
		local ok, session, result_ok, data, padding = pcall(response, conn)
		if conn.lost then
			return
		end
		if not ok then
			return lose(conn, session)
		end
		if session == nil then
			return lose(conn, socket_error)
		end
		local request = conn.pending[session]
		if request == nil then
			skynet.error("socket: unknown session :", session)
		elseif reply(request, result_ok, data, padding) then
			conn.pending[session] = nil
		end
	end
end

-- A reading function of skynet.socket as a method, for which the end of the connection is an error.
local function reading(f)
	return function(conn, arg)
		local data = f(conn[1], arg)
		if data then
			return data
		end
		error(socket_error)
	end
end

local read <const> = reading(socket.read)
local readline <const> = reading(socket.readline)

-- The methods of the sock objects of a channel. A socket that was closed under a response function counts as a lost connection.
local function sock_methods(desc)
	local function guarded(f)
		return function(conn, arg)
			if conn.lost then
				error(socket_error)
			end
			return f(conn, arg)
		end
	end
	return { __index = { read = guarded(desc.socket_read or read), readline = guarded(desc.socket_readline or readline) } }
end

local function watch_overload(fd, overload)
	local overloaded = false
	socket.warning(fd, function(id, kib)
		if kib == 0 then
			overloaded = false
			overload(false)
		elseif overloaded then
			skynet.error(string.format("WARNING: %d K bytes need to send out (fd = %d)", kib, id))
		else
			overloaded = true
			overload(true)
		end
	end)
end

local function watch_close(conn)
	socket.onclose(conn[1], function()
		-- With requests pending it is the dispatcher that notices.
		if not conn.lost and conn.queue and not conn.dispatching then
			skynet.error("socket closed by peer :", conn.host, conn.port)
			lose(conn, socket_error)
		end
	end)
end

-- Connect and authenticate; nil, or what went wrong. Yields.
local function connect_host(self, host, port)
	local fd, err = socket.open(host, port)
	if fd == nil then
		return err
	end
	if self.closed then
		socket.close(fd)
		return "channel closed"
	end
	if self.nodelay then
		driver.nodelay(fd)
	end
	if self.overload then
		watch_overload(fd, self.overload)
	end
	local conn = setmetatable({ fd, host = host, port = port, owner = self.weak, head = 1, tail = 0 }, self.sock_meta)
	self.conn = conn
	watch_close(conn)
	if self.session_response then
		conn.pending = {}
		skynet.fork(dispatch_session, conn, self.session_response)
	else
		conn.queue = {}
	end
	if self.auth == nil then
		return nil
	end
	local ok, auth_err = pcall(self.auth, self)
	if ok and self.conn ~= conn and not self.closed and self.changed then
		return "host changed"
	end
	if ok and self.conn == conn then
		return nil
	end
	skynet.error("socket: auth failed", ok and "connection lost" or auth_err)
	if self.conn then
		lose(self.conn, socket_error)
	end
	return "no more backup host"
end

-- Try the host and then the backups; nil, or what went wrong with the last. Yields.
local function try_hosts(self)
	local host, port = self.host, self.port
	local i = 0
	while true do
		self.changed = false
		local ok, err = pcall(connect_host, self, host, port)
		if ok and err == nil then
			return nil
		end
		if self.closed then
			return err
		end
		if self.changed then
			-- By auth, which found that this is the wrong host.
			host, port, i = self.host, self.port, 0
		else
			i = i + 1
			local backup = self.backup[i]
			if backup == nil then
				return err
			end
			host, port = backup.host, backup.port
			skynet.error("socket: connect to backup host", host, port)
		end
	end
end

-- Also when the connecting coroutine is killed.
local connector_meta = {
	__close = function(guard)
		local self = guard[1]
		self.connector = nil
		local behind = self.behind
		self.behind = nil
		if behind then
			for _, co in ipairs(behind) do
				wakeup(co)
			end
		end
	end,
}

local function try_for_ever(self)
	local seconds = 0
	while not self.closed do
		local err = try_hosts(self)
		if err == nil then
			skynet.error("socket: connect to", self.conn.host, self.conn.port)
			return nil
		end
		if not self.closed then
			skynet.error("socket: connect", err)
			if seconds > RETRY_SECONDS then
				skynet.error("socket: try to reconnect", self.host, self.port)
			end
			skynet.sleep(seconds * 100, self)
			seconds = seconds > RETRY_SECONDS and 1 or seconds + 1
		end
	end
	return "channel closed"
end

-- Wait for the attempt of another coroutine.
local function wait_behind(self)
	local co = running()
	local behind = self.behind
	if behind then
		behind[#behind + 1] = co
	else
		self.behind = { co }
	end
	wait(co)
end

-- Be connected; false when it failed, or was closed meanwhile. Yields.
local function connect(self, once)
	local co = running()
	while self.connector ~= co do
		if self.connector == nil then
			if self.conn then
				return true
			end
			break
		end
		wait_behind(self)
		if self.closed then
			return false
		end
		if once and not self.conn then
			skynet.error("Connect failed", self.connect_error, self.host, self.port)
			return false
		end
	end
	if self.connector == co then
		-- auth makes a request
		return self.conn ~= nil
	end
	local _guard <close> = setmetatable({ self }, connector_meta)
	self.connector = co
	local err
	if once then
		err = try_hosts(self)
		if err and not self.closed then
			skynet.error("Connect failed", err, self.host, self.port)
		end
	else
		err = try_for_ever(self)
	end
	self.connect_error = err
	return err == nil
end

local function connected(self, once)
	if self.closed then
		error "assertion failed!"
	end
	if not connect(self, once) then
		error(socket_error)
	end
	return self.conn
end

-- the channel

--- Connect. Yields.
---@param once boolean?    one attempt; else it is repeated until it succeeds
---@return boolean    false: closed meanwhile
--- Errors: socketchannel.error when the one attempt fails. Source: skynet.socketchannel.
function channel:connect(once)
	self.closed = false
	if connect(self, once) then
		return true
	end
	if once and not self.closed then
		error(socket_error)
	end
	return false
end

local function expect(self, conn, response)
	local request = { response = response }
	if conn.queue then
		local tail = conn.tail + 1
		conn.tail = tail
		conn.queue[tail] = request
		if not conn.dispatching then
			conn.dispatching = true
			skynet.fork(dispatch_ordered, conn)
		end
	else
		conn.pending[response] = request
	end
	return result(request)
end

local function write_all(fd, data, padding)
	if padding == nil then
		return socket.write(fd, data)
	end
	local ok = socket.lwrite(fd, data)
	for _, part in ipairs(padding) do
		ok = ok and socket.lwrite(fd, part)
	end
	return ok
end

--- Send a request and wait for its reply; connects when there is no connection. Yields.
---@param data string|string[]
---@param response any    ordered mode: function(sock) -> ok, data [, padding]; session mode: the session; nil: no reply is wanted
---@param padding string[]?    more to send; all of it with low priority
---@return any data    of the reply; an array of all when there were several
--- Errors: what the reply says when its ok is false; socketchannel.error when the connection is lost or cannot be had;
--- "assertion failed!" after close; what the response function throws.
function channel:request(data, response, padding)
	local conn = self.conn
	if conn == nil or self.connector or self.closed then
		conn = connected(self, true)
	end
	if not conn.queue and response ~= nil and conn.pending[response] then
		error(string.format("session %s has a request already", response))
	end
	if not write_all(conn[1], data, padding) then
		lose(conn, socket_error)
		error(socket_error)
	end
	if response ~= nil then
		return expect(self, conn, response)
	end
end

--- Wait for a reply that was not asked for. Connects, until it succeeds. Yields.
---@param response any    as for request
function channel:response(response)
	return expect(self, connected(self, false), response)
end

--- Close the connection; what is pending fails, and so do requests from now on, until `connect` is called. Yields.
function channel:close()
	if self.closed then
		return
	end
	self.closed = true
	wakeup(self)
	if self.conn then
		lose(self.conn, socket_error, "channel_closed")
	end
end

--- Set where to connect to, and close the connection. Yields.
---@param host string
---@param port integer?
function channel:changehost(host, port)
	self.host = host
	if port then
		self.port = port
	end
	self.changed = true
	wakeup(self)
	if self.conn then
		lose(self.conn, socket_error, "channel_closed")
	end
end

local function backup_hosts(list, port)
	local hosts, seen = {}, {}
	for _, backup in ipairs(list or {}) do
		local b = type(backup) == "table" and { host = backup.host, port = backup.port or port } or { host = backup, port = port }
		local key = b.host .. ":" .. tostring(b.port)
		if not seen[key] then
			seen[key] = true
			hosts[#hosts + 1] = b
		end
	end
	return hosts
end

--- Set the hosts to try when the first one fails.
---@param list (string|{ host: string, port: integer? })[]?
function channel:changebackup(list)
	self.backup = backup_hosts(list, self.port)
end

channel.__gc = function(self)
	local conn = self.conn
	if conn then
		-- A finalizer must not yield, which socket.close does.
		conn.lost = true
		socket.abandon(conn[1])
		socket.close_fd(conn[1])
	end
end

--- Make a channel. Nothing is connected yet.
---@class socketchannel_desc
---@field host string
---@field port integer?    nil: host is "host:port"
---@field backup (string|{ host: string, port: integer? })[]?    hosts to try when the first one fails
---@field auth fun(channel: table)?    run after each connect, may make requests; an error makes the connect fail
---@field response (fun(sock: table): any, boolean, any, boolean?)?    selects session mode: -> session, ok, data [, padding]
---@field nodelay boolean?
---@field overload fun(overloaded: boolean)?    told when output piles up, and when it is sent
---@field socket_read (fun(sock: table, n: integer?): string)?    replaces sock:read
---@field socket_readline (fun(sock: table, sep: string?): string)?    replaces sock:readline
---@param desc socketchannel_desc
function socketchannel.channel(desc)
	local self = setmetatable({
		host = desc.host or error "assertion failed!",
		port = desc.port,
		backup = backup_hosts(desc.backup, desc.port),
		auth = desc.auth,
		session_response = desc.response,
		nodelay = desc.nodelay,
		overload = desc.overload,
		sock_meta = sock_methods(desc),
		closed = false,
	}, channel)
	self.weak = setmetatable({ self }, { __mode = "v" })
	return self
end

return socketchannel
