-- One client: its first packet is its name, each other one is something that it says.

local skynet = require "skynet"
local socket = require "skynet.socket"
local netpack = require "skynet.netpack"

local fd, watchdog
local name

-- Packets of the client, which the gate redirects here: their session is the fd, and nobody waits for an answer.
skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = skynet.tostring,
	dispatch = function(_, _, text)
		skynet.ignoreret()
		if name then
			skynet.send(watchdog, "lua", "say", name .. ": " .. text)
		else
			name = text
			skynet.send(watchdog, "lua", "say", name .. " has come")
		end
	end,
}

local command = {}

function command.start(conf)
	fd, watchdog = conf.fd, conf.watchdog
	skynet.call(conf.gate, "lua", "forward", fd)
	skynet.retpack()
end

-- Only those who have said who they are hear the others.
function command.hear(text)
	if name then
		socket.write(fd, netpack.pack(text))
	end
end

function command.leave()
	if name then
		skynet.send(watchdog, "lua", "say", name .. " has gone")
	end
	skynet.exit()
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, cmd, ...)
		command[cmd](...)
	end)
end)
