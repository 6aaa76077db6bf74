-- A gateserver that sends each packet back; packet "clients" is answered with their number. Prints READY <port>.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local netpack = require "skynet.netpack"
local gateserver = require "snax.gateserver"

local handler = { embed = true }
local clients = 0

function handler.open(_, conf)
	print("READY " .. conf.port)
	io.stdout:flush()
end

function handler.connect(fd)
	clients = clients + 1
	gateserver.openclient(fd)
end

function handler.disconnect(fd)
	clients = clients - 1
	gateserver.closeclient(fd)
end

function handler.message(fd, msg, sz)
	local text = netpack.tostring(msg, sz)
	driver.send(fd, netpack.pack(text == "clients" and tostring(clients) or text))
end

skynet.start(function()
	gateserver.start(handler)
	skynet.send(skynet.self(), "lua", "open", { address = "127.0.0.1", port = 0 })
end)
