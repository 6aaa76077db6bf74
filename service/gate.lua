-- The gate: clients' packets go to agents, or to the watchdog as long as a client has none.

local skynet = require "skynet"
local netpack = require "skynet.netpack"
local gateserver = require "snax.gateserver"

local watchdog
local clients = {}	-- fd -> { fd =, ip =, agent =, client = }; agent nil: packets go to the watchdog

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
}

local function report(...)
	skynet.send(watchdog, "lua", "socket", ...)
end

local handler = {}

function handler.open(source, conf)
	watchdog = conf.watchdog or source
	return conf.address, conf.port
end

function handler.message(fd, msg, sz)
	local client = clients[fd]
	local agent = client and client.agent
	if agent then
		-- The packet's memory goes with the message, also when the agent is gone.
		skynet.redirect(agent, client.client, "client", fd, msg, sz)
	else
		report("data", fd, netpack.tostring(msg, sz))
	end
end

function handler.connect(fd, address)
	clients[fd] = { fd = fd, ip = address }
	report("open", fd, address)
end

function handler.disconnect(fd)
	clients[fd] = nil
	report("close", fd)
end

function handler.error(fd, text)
	clients[fd] = nil
	report("error", fd, text)
end

function handler.warning(fd, kib)
	report("warning", fd, kib)
end

local command = {}

--- Send a client's packets to an agent from now on, as messages of type client with session = fd.
---@param fd integer
---@param client integer?    source of these messages; 0 = the gate
---@param agent integer?    the caller
--- Errors: "assertion failed!" for a client that is gone.
function command.forward(source, fd, client, agent)
	local c = assert(clients[fd])
	c.client = client or 0
	c.agent = agent or source
	gateserver.openclient(fd)
end

--- Read a client without an agent: its packets go to the watchdog.
function command.accept(_, fd)
	local c = assert(clients[fd])
	c.agent = nil
	gateserver.openclient(fd)
end

--- Close a client; also to be called for one whose close was reported. Ignores an unknown fd.
function command.kick(_, fd)
	gateserver.closeclient(fd)
end

function handler.command(cmd, source, ...)
	local f = assert(command[cmd], cmd)
	return f(source, ...)
end

gateserver.start(handler)
