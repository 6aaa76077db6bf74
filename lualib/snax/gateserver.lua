-- A TCP server of packets behind a two-byte length: what gate, msgserver and the like are made of.
--
-- It owns protocol "socket" of its service, so that skynet.socket cannot read there. Events of one socket are handled in the
-- order in which they happened, as long as no handler blocks. `known` has a socket from its accept until closeclient: the
-- end of a connection changes its value only, because the descriptor is still there, to be closed by the handler. Whatever
-- ends it, each accepted socket makes one close event, and only that takes it out of the count.

local skynet = require "skynet"
local netpack = require "skynet.netpack"
local driver = require "skynet.socketdriver"

local filter <const> = netpack.filter
local pop <const> = netpack.pop

local MAXCLIENT <const> = 1024

local gateserver = {}

local OPEN <const> = 1
local READ_CLOSED <const> = 2

-- fd -> OPEN, READ_CLOSED. The driver outlives the service: what is open is closed with it.
local known = setmetatable({}, {
	__gc = function(self)
		for fd in pairs(self) do
			driver.close(fd)
		end
	end,
})

local queue			-- netpack's: packets and parts of packets
local listener		-- its id; nil before open and when it is closed
local opened = false
local binding		-- { token =, address =, port = } until the listener is bound
local client_number = 0
local maxclient
local nodelay

--- Begin to read a client's packets.
---@param fd integer    given to handler.connect; any other is ignored
function gateserver.openclient(fd)
	if known[fd] then
		driver.start(fd)
	end
end

--- Forget a client and close its connection; what is unsent is still sent. handler.disconnect follows, unless it was
--- called before. An unknown fd is ignored.
---@param fd integer
function gateserver.closeclient(fd)
	if known[fd] then
		known[fd] = nil
		driver.close(fd)
	end
end

local command = {}

-- Listen, and wait for the event that tells the address: port 0 is any port.
local function listen(conf)
	local address = conf.address or "0.0.0.0"
	skynet.error("Listen on", address, conf.port)
	listener = driver.listen(address, conf.port, conf.backlog)
	known[listener] = OPEN
	binding = { token = {} }
	skynet.wait(binding.token)
	conf.address, conf.port = binding.address, binding.port
	binding = nil
	-- Unless it has been closed meanwhile.
	gateserver.openclient(listener)
end

local function accept_on(handler)
	function command.open(source, conf)
		assert(not opened, "the gate has been opened before")
		maxclient = conf.maxclient or MAXCLIENT
		nodelay = conf.nodelay
		opened = true
		local ok, err = pcall(listen, conf)
		if not ok then
			opened = false
			error(err, 0)
		end
		if handler.open then
			return handler.open(source, conf)
		end
	end

	function command.close()
		if listener then
			gateserver.closeclient(listener)
		end
	end
end

-- event of netpack.filter -> function; filled by start
local event = {}

local function handle_packets(handler)
	local message = handler.message

	local function deliver(fd, msg, sz)
		if known[fd] then
			message(fd, msg, sz)
		else
			skynet.error(string.format("Drop message from fd (%d) : %s", fd, netpack.tostring(msg, sz)))
		end
	end

	local function deliver_queued()
		local fd, msg, sz = pop(queue)
		if fd == nil then
			return
		end
		-- It finds an empty queue, unless a handler below blocks or fails: then it goes on with the packets behind.
		skynet.fork(deliver_queued)
		while fd do
			deliver(fd, msg, sz)
			fd, msg, sz = pop(queue)
		end
	end

	event.data = deliver
	event.more = deliver_queued
end

local function handle_connections(handler)
	function event.open(fd, address)
		client_number = client_number + 1
		-- One less than it says, as callers know it from skynet.
		if client_number >= maxclient then
			driver.shutdown(fd)
			return
		end
		if nodelay then
			driver.nodelay(fd)
		end
		known[fd] = OPEN
		handler.connect(fd, address)
	end

	function event.close(fd)
		if fd == listener then
			listener = nil
			known[fd] = nil
			return
		end
		client_number = client_number - 1
		if known[fd] then
			known[fd] = READ_CLOSED
		end
		if handler.disconnect then
			handler.disconnect(fd)
		end
	end

	function event.error(fd, err)
		if fd == listener then
			skynet.error("gateserver accept error:", err)
			return
		end
		driver.shutdown(fd)
		if handler.error then
			handler.error(fd, err)
		end
	end

	function event.warning(fd, kib)
		if handler.warning then
			handler.warning(fd, kib)
		end
	end

	-- Of a client it is the word that reading has begun.
	function event.init(fd, address, port)
		if binding and fd == listener then
			binding.address, binding.port = address, port
			skynet.wakeup(binding.token)
		end
	end
end

local function serve_commands(handler)
	skynet.dispatch("lua", function(_, source, cmd, ...)
		local f = command[cmd]
		if f then
			skynet.retpack(f(source, ...))
		else
			skynet.retpack(handler.command(cmd, source, ...))
		end
	end)
end

--- Serve clients with a table of functions. Lua command `open` with a table { address = "0.0.0.0", port =, maxclient = 1024,
--- nodelay =, backlog =, ... } listens, writes the real address and port into the table, and answers what handler.open
--- returns; at most maxclient - 1 clients are served at a time. Lua command `close` stops listening; clients stay.
---
---@class snax.gatehandler
---@field connect fun(fd: integer, address: string)    nothing is read before gateserver.openclient(fd)
---@field message fun(fd: integer, msg: lightuserdata, sz: integer)    one packet, whose memory is the handler's: to be
--- redirected, or freed by netpack.tostring
---@field open fun(source: integer, conf: table)?
---@field disconnect fun(fd: integer)?    also for clients that were refused, and for those closed by closeclient. Of one
--- that is not closed yet the descriptor stays open until closeclient
---@field error fun(fd: integer, text: string)?    disconnect follows
---@field warning fun(fd: integer, kib: integer)?    so much waits to be sent; 0: no more
---@field command fun(cmd: string, source: integer, ...: any)?    other Lua commands; what it returns is the answer
---@field embed boolean?    the service has its own start function, which calls this
---
---@param handler snax.gatehandler
--- Errors: "assertion failed!" when message or connect is missing.
function gateserver.start(handler)
	assert(handler.message)
	assert(handler.connect)

	accept_on(handler)
	handle_packets(handler)
	handle_connections(handler)

	skynet.register_protocol {
		name = "socket",
		id = skynet.PTYPE_SOCKET,
		unpack = function(msg, sz)
			return filter(queue, msg, sz)
		end,
		dispatch = function(_, _, q, what, ...)
			queue = q
			if what then
				event[what](...)
			end
		end,
	}

	if handler.embed then
		serve_commands(handler)
	else
		skynet.start(function()
			serve_commands(handler)
		end)
	end
end

return gateserver
