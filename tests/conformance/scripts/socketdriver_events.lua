-- skynet.socketdriver: the events of each socket, as they come
-- log: no
local conf = require "conf"
local driver = require "skynet.socketdriver"
local skynet = require "skynet"

local kinds <const> = { "data", "connect", "close", "accept", "error", "udp", "warning" }
local events = {}

skynet.register_protocol {
	name = "socket",
	id = skynet.PTYPE_SOCKET,
	unpack = driver.unpack,
	dispatch = function(_, _, kind, id, ud, payload)
		local list = events[id] or {}
		events[id] = list
		local text = payload
		if kinds[kind] == "data" then
			local buffer = driver.buffer()
			driver.push(buffer, {}, payload, ud)
			text = driver.readall(buffer, {})
		end
		list[#list + 1] = { kind = kinds[kind], ud = ud, text = text }
	end,
}

-- Wait until the socket has had n events; give the last one.
local function event(id, n)
	conf.await(function()
		return #(events[id] or {}) >= n
	end)
	return events[id][n]
end

local function show(name, id)
	local text = {}
	for i, e in ipairs(events[id] or {}) do
		local ud = (e.kind == "accept" or (e.kind == "connect" and e.ud > 0)) and "n" or e.ud
		text[i] = e.kind .. ":" .. ud .. ":" .. e.text:gsub("(127%.0%.0%.1):%d+", "%1:port")
	end
	conf.out(name, table.concat(text, " "))
end

conf.run(function()
	local listener = driver.listen("127.0.0.1", 0)
	local port = event(listener, 1).ud
	driver.start(listener)
	event(listener, 2)
	local function pair()
		local n = #events[listener]
		local a = driver.connect("127.0.0.1", port)
		event(a, 1)
		local b = event(listener, n + 1).ud
		driver.start(b)
		event(b, 1)
		return a, b
	end
	local a, b = pair()
	driver.nodelay(a)
	conf.out("send", driver.send(a, "hello"))
	event(b, 2)
	driver.start(b)
	event(b, 3)
	driver.close(a)
	event(b, 4)
	driver.start(b)
	event(b, 5)
	driver.close(b)
	show("closed by the peer", b)
	show("closes", a)

	a, b = pair()
	driver.pause(b)
	conf.await(function()
		for _, entry in ipairs(driver.info()) do
			if entry.id == b then
				return not entry.reading
			end
		end
	end)
	driver.send(a, "while it is paused")
	driver.close(a)
	event(a, 2)
	driver.start(b)
	event(b, 4)
	show("paused", b)
	driver.shutdown(b)

	a, b = pair()
	driver.lsend(a, "low")
	event(b, 2)
	driver.shutdown(a)
	event(b, 3)
	show("shut down", a)
	show("peer of it", b)
	driver.close(b)

	driver.close(listener)
	event(listener, #events[listener] + 1)
	show("listener", listener)
	local nobody = driver.connect("127.0.0.1", port)
	event(nobody, 1)
	show("refused", nobody)
	driver.start(nobody)
	event(nobody, 2)
	show("dead", nobody)
	conf.out("send to the dead", driver.send(nobody, "x"), driver.lsend(nobody, "x"))
	driver.close(nobody)
	driver.shutdown(nobody)
	driver.close(-1)
	local bound = driver.bind(987)
	event(bound, 1)
	show("bound", bound)
end)
