-- TCP and UDP for a service's coroutines, on the events of the socket thread.
--
-- A socket of this service is a table in `sockets`. Events come as messages and are handled in the order in which they happened.
-- At most one coroutine waits for a socket: s.co is that coroutine from before it waits until it runs again, and s.need, set
-- only while nobody has woken it, is the number of buffered bytes that wakes it (ANY_SIZE when something else does: a
-- line, the end, the connection). Whoever wakes clears s.need, so that it is woken once.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"

local push <const> = driver.push
local pop <const> = driver.pop
local take <const> = driver.readall
local find <const> = driver.readline
local wait <const> = skynet.wait
local wakeup <const> = skynet.wakeup
local running <const> = coroutine.running

local PAUSE_SIZE <const> = 128 * 1024	-- bytes unread after which a socket's reading is paused
local RESUMED <const> = "resumed"	-- until its reader goes on: what a resumed socket brings to it does not pause it again
local ANY_SIZE <const> = math.maxinteger

local DATA <const> = 1
local CONNECT <const> = 2
local CLOSE <const> = 3
local ACCEPT <const> = 4
local ERROR <const> = 5
local UDP <const> = 6
local WARNING <const> = 7

local socket = {}
local pool = {}	-- where the driver recycles memory of buffers
local id_onclose = {}
local id_handler = {}	-- of events, by their type

-- The driver outlives the service: what it leaves open is closed with it.
local sockets = setmetatable({}, {
	__gc = function(self)
		for id in pairs(self) do
			driver.close(id)
		end
	end,
})

-- waiting

local function wake(s)
	if s.need then
		s.need = nil
		wakeup(s.co)
	end
end

-- The reader, and after it those who close.
local function wake_all(s)
	wake(s)
	local closing = s.closing
	if closing then
		s.closing = nil
		for _, co in ipairs(closing) do
			wakeup(co)
		end
	end
end

local function pause(s, size)
	if not s.paused then
		skynet.error(string.format("Pause socket (%d) size : %d", s.id, size))
		s.paused = true
		driver.pause(s.id)
	end
end

local function await(s, need)
	local co = s.co
	if co and coroutine.status(co) ~= "dead" then
		error "assertion failed!"
	end
	if s.paused then
		skynet.error(string.format("Resume socket (%d)", s.id))
		s.paused = RESUMED
		driver.start(s.id)
	end
	co = running()
	s.co = co
	s.need = need
	wait(co)
	s.co = nil
	if s.paused == RESUMED then
		s.paused = false
	end
end

local function assert_known(id)
	return sockets[id] or error "assertion failed!"
end

-- events

-- What has come is not what a count waits for: nobody waits, or a line or the end is waited for.
local function data_uncounted(s, size)
	if s.limit and size > s.limit then
		if not s.overflown then
			-- Once: more may be on its way.
			s.overflown = true
			skynet.error(string.format("socket buffer overflow: fd=%d size=%d", s.id, size))
			driver.close(s.id)
		end
		return
	end
	if s.need then
		-- A line, or the end, which is waited for however much comes before it.
		if not s.sep or not find(s.buffer, nil, s.sep) then
			return
		end
		wake(s)
	end
	if size > PAUSE_SIZE then
		pause(s, size)
	end
end

local function on_data(id, size, data)
	local s = sockets[id]
	if s == nil or s.buffer == nil then
		skynet.error("socket: drop package from " .. id)
		driver.drop(data, size)
		return
	end
	size = push(s.buffer, pool, data, size)
	local need = s.need
	if need and size >= need then
		s.need = nil
		wakeup(s.co)
		if size > PAUSE_SIZE then
			-- Also when the reader is about to take it: it resumes when it waits again, and what is in flight stays small.
			pause(s, size)
		end
	elseif need == nil or need == ANY_SIZE then
		data_uncounted(s, size)
	end
end

id_handler[CONNECT] = function(id, port, address)
	local s = sockets[id]
	if s and s.connecting then
		s.connecting = false
		s.connected = true
		s.address = address
		s.port = port
		wake(s)
	end
end

id_handler[CLOSE] = function(id)
	local s = sockets[id]
	if s then
		s.connecting = false
		s.connected = false
		wake_all(s)
	else
		driver.close(id)
	end
	local f = id_onclose[id]
	if f then
		id_onclose[id] = nil
		f(id)
	end
end

id_handler[ACCEPT] = function(id, newid, address)
	local s = sockets[id]
	local accept = s and s.callback
	if accept then
		accept(newid, address)
	else
		driver.close(newid)
	end
end

id_handler[ERROR] = function(id, _, err)
	local s = sockets[id]
	if s == nil then
		driver.shutdown(id)
		skynet.error("socket: error on unknown", id, err)
		return
	end
	if s.callback then
		skynet.error("socket: accept error:", err)
		return
	end
	if s.connected then
		skynet.error("socket: error on", id, err)
	elseif s.connecting then
		s.err = err
	end
	s.connecting = false
	s.connected = false
	driver.shutdown(id)
	-- No CLOSE follows when it was connecting, so that who closes it must not wait for one.
	wake_all(s)
end

id_handler[UDP] = function(id, size, data, from)
	local s = sockets[id]
	if s == nil or s.callback == nil then
		skynet.error("socket: drop udp package from " .. id)
		driver.drop(data, size)
		return
	end
	local text = skynet.tostring(data, size)
	driver.drop(data, size)
	s.callback(text, from)
end

local function warn(id, kib)
	skynet.error(string.format("WARNING: %d K bytes need to send out (fd = %d)", kib, id))
end

id_handler[WARNING] = function(id, kib)
	local s = sockets[id]
	if s then
		(s.on_warning or warn)(id, kib)
	end
end

skynet.register_protocol {
	name = "socket",
	id = skynet.PTYPE_SOCKET,
	unpack = driver.unpack,
	dispatch = function(_, _, type, id, n, data, from)
		if type == DATA then
			on_data(id, n, data)
		else
			id_handler[type](id, n, data, from)
		end
	end,
}

-- opening

-- Take the id over and wait until it is connected.
local function connect(id, buffer, callback)
	if id_onclose[id] then
		error "socket has onclose callback"
	end
	local s = {
		id = id,
		buffer = buffer,
		callback = callback,
		connecting = true,
		connected = false,
		paused = false,
	}
	sockets[id] = s
	await(s, ANY_SIZE)
	if s.connected then
		return id, s.address, s.port
	end
	if sockets[id] == s then
		sockets[id] = nil
	end
	return nil, s.err or "socket closed"
end

-- As connect, without the address.
local function connected(id, buffer, callback)
	local ok, err = connect(id, buffer, callback)
	if ok then
		return id
	end
	return nil, err
end

--- Connect to a host. Yields.
---@param addr string    a host; or, without port, "host:port" or "[v6]:port"
---@param port integer?
---@return integer? id    nil when it failed
---@return string? err    as the system words it, such as "Connection refused"
--- Errors: "Invalid address <addr>.", "Invalid port in address <addr>." Source: skynet.socket, open.
function socket.open(addr, port)
	local id = driver.connect(addr, port)
	if id < 0 then
		return nil, "no socket for " .. addr
	end
	return connected(id, driver.buffer())
end

--- Adopt a file descriptor of the process. Yields.
---@param os_fd integer
---@return integer? id
---@return string? err
function socket.bind(os_fd)
	return connected(driver.bind(os_fd), driver.buffer())
end

--- Adopt the standard input. Yields.
function socket.stdin()
	return socket.bind(0)
end

--- Begin to read a socket that was accepted or abandoned, or to accept on a listener. Yields.
---@param id integer
---@param accept fun(id: integer, address: string)?    makes id a listener; called with "ip:port" of each client, may yield
---@return integer? id    nil when it failed
---@return string? err    "invalid socket", "socket closed"
--- Errors: "socket is not closed" when id is a connection of this service, "socket has onclose callback".
function socket.start(id, accept)
	driver.start(id)
	local known = sockets[id]
	if known and known.buffer then
		error "socket is not closed"
	end
	return connected(id, not accept and driver.buffer() or nil, accept)
end

--- Bind an address; connections are accepted from `start(id, accept)` on. Yields.
---@param addr string    a host; or, without port, "host:port" or "[v6]:port"
---@param port integer?    0 for any
---@param backlog integer?    32
---@return integer id
---@return string ip
---@return integer port
--- Errors: "Listen error", and those of open for a malformed address. Source: skynet.socket, listen.
function socket.listen(addr, port, backlog)
	return connect(driver.listen(addr, port, backlog))
end

-- closing

local function forget(s)
	if sockets[s.id] == s then
		sockets[s.id] = nil
		if s.buffer then
			driver.clear(s.buffer, pool)
		end
	end
end

--- Close a socket of this service. Yields until nobody reads it any more; what is unsent is still sent. An unknown id is
--- ignored.
---@param id integer
function socket.close(id)
	local s = sockets[id]
	if s == nil then
		return
	end
	driver.close(id)
	if s.connected or s.connecting then
		local co = running()
		local closing = s.closing
		if closing then
			closing[#closing + 1] = co
		else
			s.closing = { co }
		end
		wait(co)
	end
	forget(s)
end

--- Close a socket that this service does not own. Errors: "Use socket.close instead".
---@param id integer
function socket.close_fd(id)
	if sockets[id] then
		error "Use socket.close instead"
	end
	driver.close(id)
end

--- Close a socket at once; what is unsent is lost. The id is forgotten by `close` only. An unknown id is ignored.
---@param id integer
function socket.shutdown(id)
	if sockets[id] then
		driver.shutdown(id)
	end
end

--- Forget a socket without closing it, so that another service can start it. What is unread is lost.
---@param id integer
function socket.abandon(id)
	local s = sockets[id]
	if s then
		id_onclose[id] = nil
		s.connecting = false
		s.connected = false
		wake(s)
		sockets[id] = nil
	end
end

-- reading

--- Read n bytes, or what there is. Yields.
---@param id integer
---@param n integer?    nil: at least one byte, as many as there are
---@return string | false data    false: it was closed before
---@return string? rest    then, what had come
--- Errors: "assertion failed!" for an unknown id, or when another coroutine waits. Source: skynet.socket, read.
function socket.read(id, n)
	local s = sockets[id] or error "assertion failed!"
	local buffer = s.buffer
	if n == nil then
		local data = take(buffer, pool)
		if data ~= "" then
			return data
		end
		if not s.connected then
			return false, data
		end
		await(s, 0)
		data = take(buffer, pool)
		if data ~= "" then
			return data
		end
		return false, data
	end
	local data = pop(buffer, pool, n)
	if data then
		return data
	end
	if s.connected then
		await(s, n)
		data = pop(buffer, pool, n)
		if data then
			return data
		end
	end
	return false, take(buffer, pool)
end

--- Read until the end. Yields.
---@param id integer
---@return string | false data    false: it had ended before, and nothing is left
function socket.readall(id)
	local s = assert_known(id)
	if not s.connected then
		local data = take(s.buffer, pool)
		return data ~= "" and data
	end
	await(s, ANY_SIZE)
	return take(s.buffer, pool)
end

--- Read up to a separator. Yields.
---@param id integer
---@param sep string?    "\n"
---@return string | false line    without the separator; false: it was closed before
---@return string? rest    then, what had come
function socket.readline(id, sep)
	local s = sockets[id] or error "assertion failed!"
	local buffer = s.buffer
	sep = sep or "\n"
	local line = find(buffer, pool, sep)
	if line then
		return line
	end
	if s.connected then
		s.sep = sep
		await(s, ANY_SIZE)
		s.sep = nil
		line = find(buffer, pool, sep)
		if line then
			return line
		end
	end
	return false, take(buffer, pool)
end

--- Wait until there is something to read. Yields.
---@param id integer
---@return boolean readable    false: closed, or unknown
function socket.block(id)
	local s = sockets[id]
	if s == nil then
		return false
	end
	local _, size = pop(s.buffer, pool, 0)
	if size > 0 then
		return true
	end
	if not s.connected then
		return false
	end
	await(s, 0)
	_, size = pop(s.buffer, pool, 0)
	return size > 0
end

-- writing

--- Send a string, an array of strings, or a block with its size (which is taken over).
--- (id, string | string[] | lightuserdata, size) -> boolean; false: the socket is gone
socket.write = driver.send

--- As write, behind everything that `write` sends.
socket.lwrite = driver.lsend

-- the state of a socket

--- Is this id none of this service?
---@return boolean
function socket.invalid(id)
	return sockets[id] == nil
end

--- Has the connection ended? nil for an unknown id.
---@return boolean?
function socket.disconnected(id)
	local s = sockets[id]
	if s then
		return not s.connected and not s.connecting
	end
end

--- Stop reading until the next read that has to wait. Yields once.
---@param id integer
function socket.pause(id)
	local s = sockets[id]
	if s == nil then
		return
	end
	if not s.paused then
		skynet.error(string.format("Pause socket (%d)", id))
		s.paused = true
		driver.pause(id)
	end
	skynet.yield()
end

--- Close the socket when more bytes than this are unread, while no count is waited for.
---@param id integer
---@param n integer?    bytes; nil: no limit
function socket.limit(id, n)
	assert_known(id).limit = n
end

--- Be told when output piles up, instead of having it logged.
---@param id integer
---@param f fun(id: integer, kib: integer)?    kib to send; 0: all is sent
function socket.warning(id, f)
	assert_known(id).on_warning = f
end

--- Be told, once, when the socket is closed. An id that is not this service's is accepted, as the original does: one that was
--- accepted and not started may be closed too.
---@param id integer
---@param f fun(id: integer)?
function socket.onclose(id, f)
	id_onclose[id] = f
end

-- UDP

local function add_udp(id, callback)
	sockets[id] = { id = id, callback = callback, connected = true, connecting = false, paused = false }
	return id
end

--- A UDP socket, bound when there is a host or port.
---@param callback fun(data: string, from: string)    from: an address for sendto and udp_address; may yield
---@param host string?
---@param port integer?
---@return integer id
function socket.udp(callback, host, port)
	return add_udp(driver.udp(host, port), callback)
end

--- Set where `write` sends to. Replaces the callback when there is one.
---@param id integer
---@param host string
---@param port integer?
---@param callback function?
function socket.udp_connect(id, host, port, callback)
	local s = sockets[id]
	if s == nil then
		add_udp(id, callback)
	elseif callback then
		s.callback = callback
	end
	driver.udp_connect(id, host, port)
end

--- A UDP socket that is bound.
---@return integer id
function socket.udp_listen(host, port, callback)
	return add_udp(driver.udp_listen(host, port), callback)
end

--- A UDP socket whose `write` sends to the host.
---@return integer id
function socket.udp_dial(host, port, callback)
	return add_udp(driver.udp_dial(host, port), callback)
end

--- (id, from, data...) -> boolean
socket.sendto = driver.udp_send

--- (from) -> ip, port
socket.udp_address = driver.udp_address

-- the rest

--- (string of 1 to 4 bytes) -> integer, big-endian
socket.header = driver.header

--- () -> { { id =, address =, type =, ... }, ... }: all sockets of the node
socket.netstat = driver.info

--- (host) -> { ip, ... }; blocks the thread
socket.resolve = driver.resolve

return socket
