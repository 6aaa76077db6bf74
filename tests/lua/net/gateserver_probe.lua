-- A gateserver whose handlers record what happens, for the test of it. Argument "embed": with a start function of its own.

local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local netpack = require "skynet.netpack"
local gateserver = require "snax.gateserver"

local MIB <const> = 1024 * 1024

local events = {}	-- { name, fd, ... } in order
local auto = true	-- read each client at once
local handler = { embed = ... == "embed" }
local command = {}

local function record(...)
	events[#events + 1] = { ... }
end

function handler.open(source, conf)
	return source, conf.address, conf.port, conf.word
end

function handler.connect(fd, address)
	record("connect", fd, address)
	if auto then
		gateserver.openclient(fd)
	end
end

function handler.disconnect(fd)
	record("disconnect", fd)
end

function handler.error(fd, text)
	record("error", fd, text)
end

function handler.warning(fd, kib)
	record("warning", fd, kib)
end

function handler.message(fd, msg, sz)
	local text = netpack.tostring(msg, sz)
	record("message", fd, text)
	if text == "block" then
		skynet.wait(command)
		record("unblocked", fd)
	elseif text == "fail" then
		error "a handler that fails on purpose"
	elseif text == "close me" then
		gateserver.closeclient(fd)
	elseif text == "flood me" then
		driver.send(fd, ("x"):rep(2 * MIB))
		gateserver.closeclient(fd)
	end
end

-- The events since the last call.
function command.events()
	local list = events
	events = {}
	return list
end

function command.auto(on)
	auto = on
end

function command.unblock()
	skynet.wakeup(command)
end

function command.write(fd, text, n)
	for _ = 1, n or 1 do
		driver.send(fd, text)
	end
end

-- Hold up everything until the listener has accepted n clients in all, then exit.
function command.exit_before_accept(n)
	local accepted
	repeat
		for _, entry in ipairs(driver.info()) do
			if entry.type == "LISTEN" and entry.address == skynet.self() then
				accepted = entry.accept
			end
		end
	until accepted >= n
	skynet.exit()
end

command.openclient = gateserver.openclient
command.closeclient = gateserver.closeclient

function handler.command(cmd, _, ...)
	return assert(command[cmd], cmd)(...)
end

if handler.embed then
	skynet.start(function()
		gateserver.start(handler)
	end)
else
	gateserver.start(handler)
end
