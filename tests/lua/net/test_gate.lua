-- Service gate: its reports to the watchdog, agents, and what is wrong. This service is watchdog, agent and client in one.

local skynet = require "skynet"
local socket = require "skynet.socket"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local ok, equal, raises, case = kit.ok, kit.equal, kit.raises, kit.case

local reports = {}	-- { sub, fd, arg } in order
local packets = {}	-- { session, source, text } of messages of type client

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = skynet.tostring,
	dispatch = function(session, source, text)
		skynet.ignoreret()
		packets[#packets + 1] = { session, source, text }
	end,
}

local role = ...

if role == "agent" then
	return kit.serve {
		packets = function()
			local list = packets
			packets = {}
			return list
		end,
		forward = function(gate, fd, client)
			skynet.call(gate, "lua", "forward", fd, client)
		end,
		socket = function(...)
			packets[#packets + 1] = { ... }
		end,
	}
end

local function packet(text)
	return string.pack(">s2", text)
end

local gate, port

local function report()
	net.until_true(function() return reports[1] end, "a report")
	return table.remove(reports, 1)
end

-- A client and its id in the gate.
local function connect()
	local fd = assert(socket.open("127.0.0.1", port))
	local event = report()
	equal(event[1], "open")
	ok(event[3]:match "^127%.0%.0%.1:%d+$", event[3])
	return fd, event[2]
end

local function kick(fd, id)
	skynet.call(gate, "lua", "kick", id)
	equal(socket.read(fd), false)
	socket.close(fd)
	equal(report(), { "close", id })
end

local function received(agent, n)
	local list = {}
	net.until_true(function()
		for _, p in ipairs(skynet.call(agent, "lua", "packets")) do
			list[#list + 1] = p
		end
		return #list >= n
	end, "packets at the agent")
	return list
end

case("accept: packets go to the watchdog", function()
	local fd, id = connect()
	socket.write(fd, packet "one" .. packet "" .. packet "two")
	skynet.call(gate, "lua", "accept", id)
	equal(report(), { "data", id, "one" })
	equal(report(), { "data", id, "" })
	equal(report(), { "data", id, "two" })
	kick(fd, id)
end)

case("forward: packets go to the caller, from the gate", function()
	local fd, id = connect()
	skynet.call(gate, "lua", "forward", id)
	socket.write(fd, packet "for you")
	net.until_true(function() return packets[1] end)
	equal(table.remove(packets), { id, gate, "for you" })
	kick(fd, id)
end)

case("forward: the agent and the source of the messages may be given", function()
	local agent = kit.peer "agent"
	local fd, id = connect()
	skynet.call(gate, "lua", "forward", id, 1234, agent)
	socket.write(fd, packet "one" .. packet "two" .. packet "")
	equal(received(agent, 3), { { id, 1234, "one" }, { id, 1234, "two" }, { id, 1234, "" } })
	-- To another agent, who asks for it himself, and back to the watchdog.
	local other = kit.peer "agent"
	skynet.call(other, "lua", "forward", gate, id, 5)
	socket.write(fd, packet "three")
	equal(received(other, 1), { { id, 5, "three" } })
	skynet.call(gate, "lua", "accept", id)
	socket.write(fd, packet "four")
	equal(report(), { "data", id, "four" })
	equal(skynet.call(agent, "lua", "packets"), {})
	kick(fd, id)
	skynet.kill(agent)
	skynet.kill(other)
end)

case("a dead agent does not harm the connection", function()
	local agent = kit.peer "agent"
	local fd, id = connect()
	skynet.call(gate, "lua", "forward", id, 0, agent)
	skynet.kill(agent)
	socket.write(fd, (packet(("x"):rep(1000))):rep(20))
	skynet.call(gate, "lua", "accept", id)
	-- What was read before goes nowhere.
	socket.write(fd, packet "alive")
	local last
	net.until_true(function()
		last = table.remove(reports) or last
		return last and last[3] == "alive"
	end, "the packet after")
	reports = {}
	kick(fd, id)
end)

case("the end of a client is reported, and kick is still to be called", function()
	local fd, id = connect()
	skynet.call(gate, "lua", "accept", id)
	socket.close(fd)
	equal(report(), { "close", id })
	raises("", skynet.call, gate, "lua", "forward", id)
	raises("", skynet.call, gate, "lua", "accept", id)
	local function listed()
		for _, entry in ipairs(socket.netstat()) do
			if entry.id == id then
				return true
			end
		end
		return false
	end
	ok(listed())
	skynet.call(gate, "lua", "kick", id)
	net.until_true(function() return not listed() end, "the descriptor is closed")
	skynet.call(gate, "lua", "kick", id)
	skynet.call(gate, "lua", "kick", 123456)
	equal(reports, {})
end)

case("a reset is reported as error, then as close", function()
	local fd, id = connect()
	skynet.call(gate, "lua", "accept", id)
	socket.write(fd, packet "here")
	equal(report(), { "data", id, "here" })
	socket.pause(fd)
	net.until_true(function()
		for _, entry in ipairs(socket.netstat()) do
			if entry.id == fd then
				return not entry.reading
			end
		end
	end, "reading pauses")
	socket.write(id, "unread")
	socket.shutdown(fd)
	socket.close(fd)
	equal(report(), { "error", id, "Connection reset by peer" })
	equal(report(), { "close", id })
	skynet.call(gate, "lua", "kick", id)
end)

case("what a client does not take is reported", function()
	local fd, id = connect()
	skynet.call(gate, "lua", "accept", id)
	socket.write(fd, packet "here")
	equal(report(), { "data", id, "here" })
	socket.pause(fd)
	local block = ("x"):rep(1024 * 1024)
	local size = 0
	while #reports == 0 do
		socket.write(id, block)
		size = size + #block
		skynet.sleep(1)
	end
	local event = report()
	equal(event[1], "warning")
	equal(event[2], id)
	ok(event[3] >= 1024, event[3])
	equal(#socket.read(fd, size), size)
	while event[3] ~= 0 do
		event = report()
		equal(event[1], "warning")
	end
	kick(fd, id)
end)

case("an unknown command is an error of the caller", function()
	raises("", skynet.call, gate, "lua", "no such command")
	raises("", skynet.call, gate, "lua", "forward", 123456)
	raises("", skynet.call, gate, "lua", "open", { address = "127.0.0.1", port = 0 })
end)

case("conf.watchdog is told instead of who opens", function()
	local agent = kit.peer "agent"
	local other = skynet.newservice "gate"
	local address, real = skynet.call(other, "lua", "open", { address = "127.0.0.1", port = 0, watchdog = agent })
	equal(address, "127.0.0.1")
	local fd = assert(socket.open("127.0.0.1", real))
	local event = received(agent, 1)[1]
	equal(event[1], "open")
	equal(reports, {})
	socket.close(fd)
	skynet.kill(other)
	skynet.kill(agent)
end)

case("close ends the listener, the clients stay", function()
	local fd, id = connect()
	skynet.call(gate, "lua", "accept", id)
	skynet.call(gate, "lua", "close")
	net.until_true(function() return not socket.open("127.0.0.1", port) end, "nobody listens")
	socket.write(fd, packet "still here")
	equal(report(), { "data", id, "still here" })
	kick(fd, id)
end)

kit.run(function()
	skynet.dispatch("lua", function(session, source, cmd, ...)
		assert(cmd == "socket" and session == 0 and source == gate)
		reports[#reports + 1] = { ... }
	end)
	gate = skynet.newservice "gate"
	local address
	address, port = skynet.call(gate, "lua", "open", { address = "127.0.0.1", port = 0, maxclient = 64 })
	equal(address, "127.0.0.1")
	ok(port > 0)
end)
