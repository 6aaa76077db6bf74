-- skynet.db.redis.cluster against two real nodes (config key redis_ports = "port,port"), which have half of the slots each.

local skynet = require "skynet"
local cluster = require "skynet.db.redis.cluster"
local crc16 = require "skynet.db.redis.crc16"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local ok, equal, raises, case = kit.ok, kit.equal, kit.raises, kit.case

local nodes = {}
for port in (skynet.getenv "redis_ports"):gmatch "%d+" do
	nodes[#nodes + 1] = { host = "127.0.0.1", port = math.tointeger(port) }
end

local rc
local messages = {}

local function new(opt)
	return cluster.new(nodes, opt, function(...)
		messages[#messages + 1] = { ... }
	end)
end

-- A key of the first or the second node.
local function key_on(node, prefix)
	for i = 1, 1000 do
		local key = prefix .. i
		if rc.slots[rc:keyslot(key)].port == nodes[node].port then
			return key
		end
	end
end

case("slots", function()
	equal(crc16 "123456789", 12739)
	equal(crc16 "", 0)
	equal(rc:keyslot "123456789", 12739)
	equal(rc:keyslot "foo", 12182)
	equal(rc:keyslot "{foo}bar", 12182)
	equal(rc:keyslot "x{foo}{bar}", 12182)
	equal(rc:keyslot "{}foo", crc16 "{}foo" % 16384)
	equal(rc:keyslot "{foo", crc16 "{foo" % 16384)
	local known = 0
	for _ in pairs(rc.slots) do
		known = known + 1
	end
	equal(known, 16384)
end)

case("each key goes to its node", function()
	for i = 1, 200 do
		equal(rc:set("key" .. i, i), "OK")
	end
	for i = 1, 200 do
		equal(rc:get("key" .. i), tostring(i))
	end
	equal(rc:call("exists", "key1"), true)
	equal(rc:exists "absent", false)
	equal(rc:get { "key3" }, "3")
	raises("ERR value is not an integer", function()
		rc:set("text", "x")
		rc:incr "text"
	end)
end)

case("a client that has the map wrong is sent to the right node", function()
	local key = key_on(2, "moved")
	rc.slots[rc:keyslot(key)] = rc.nodes["127.0.0.1:" .. nodes[1].port]
	equal(rc:set(key, "x"), "OK")
	ok(rc.refresh_wanted)
	equal(rc:get(key), "x")
	equal(rc.refresh_wanted, false)
	equal(rc.slots[rc:keyslot(key)].port, nodes[2].port)
	rc:flush_slots_cache()
	equal(rc:get(key), "x")
end)

case("a key on the move is asked for at its new node", function()
	rc:initialize_slots_cache()
	local key = key_on(1, "asked")
	local slot = rc:keyslot(key)
	local from, to = rc:get_connection(nodes[1]), rc:get_connection(nodes[2])
	local from_id, to_id = from:cluster "myid", to:cluster "myid"
	to:cluster("setslot", slot, "importing", from_id)
	from:cluster("setslot", slot, "migrating", to_id)
	equal(rc:set(key, "there"), "OK")
	equal(rc:get(key), "there")
	equal(rc.slots[slot].port, nodes[1].port, "asking does not move the slot")
	rc:del(key)
	from:cluster("setslot", slot, "stable")
	to:cluster("setslot", slot, "stable")
	equal(rc:get(key), nil)
end)

case("scripts need keys of one slot", function()
	equal(rc:eval("return {KEYS[1], KEYS[2], ARGV[1]}", 2, "{a}1", "{a}2", "x"), { "{a}1", "{a}2", "x" })
	raises("eval - all keys must map to the same key slot", rc.eval, rc, "return 1", 2, "a", "b")
	raises("No way to dispatch this command to Redis Cluster: eval", rc.eval, rc, "return 1", 0)
end)

case("commands without a key", function()
	for _, cmd in ipairs { "info", "multi", "exec", "slaveof", "config", "shutdown" } do
		raises("No way to dispatch this command to Redis Cluster: " .. cmd, rc[cmd], rc, "x")
	end
	raises("No way to dispatch this command to Redis Cluster: get", rc.get, rc)
end)

case("a lost connection is made again", function()
	local key = key_on(1, "lost")
	rc:set(key, "x")
	local connection = rc:get_connection(nodes[1])
	local admin = require "skynet.db.redis".connect(nodes[1])
	admin:client("kill", "type", "normal", "skipme", "yes")
	equal(rc:get(key), "x")
	ok(rc:get_connection(nodes[1]) == connection)
	admin:disconnect()
end)

case("no more connections than allowed", function()
	local small = new { max_connections = 1, db = 0 }
	equal(small:set(key_on(1, "small"), 1), "OK")
	equal(small:set(key_on(2, "small"), 2), "OK")
	equal(small.connection_count, 1)
	small:close_all_connection()
	equal(small.connection_count, 0)
end)

case("start nodes that are not there", function()
	local half = cluster.new({ { host = "127.0.0.1", port = 1 }, nodes[2] }, {})
	equal(half:set("half", "x"), "OK")
	half:close_all_connection()
	local none = cluster.new({ host = "127.0.0.1", port = 1 }, {})
	raises("Can't reach a single startup node.", none.get, none, "x")
end)

case("messages reach onmessage", function()
	rc:subscribe("news", "more")
	rc:psubscribe "p.*"
	net.until_true(function()
		rc:publish("more", "one")
		rc:publish("p.x", "two")
		return #messages >= 2
	end)
	local seen = {}
	for _, message in ipairs(messages) do
		seen[message[2]] = message
	end
	equal(seen.more, { "one", "more" })
	net.until_true(function()
		rc:publish("p.x", "two")
		for _, message in ipairs(messages) do
			seen[message[2]] = message
		end
		return seen["p.x"]
	end)
	equal(seen["p.x"], { "two", "p.x", "p.*" })
	rc:close_all_connection()
end)

kit.run(function()
	rc = new {}
	equal(#nodes, 2)
end)
