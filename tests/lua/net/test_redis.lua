-- skynet.db.redis against a real redis-server (config key redis_port, password "secret"), and against a server that answers
-- nonsense.

local skynet = require "skynet"
local socket = require "skynet.socket"
local redis = require "skynet.db.redis"
local socketchannel = require "skynet.socketchannel"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local ok, equal, case = kit.ok, kit.equal, kit.case

local port = math.tointeger(skynet.getenv "redis_port")
local db

local function connect(more)
	local conf = { host = "127.0.0.1", port = port, auth = "secret", db = 1 }
	for key, value in pairs(more or {}) do
		conf[key] = value
	end
	return redis.connect(conf)
end

local function fails(err, f, ...)
	local success, got = pcall(f, ...)
	equal(success, false)
	if type(err) == "string" then
		kit.contains(got, err)
	else
		ok(rawequal(got, err), tostring(got))
	end
end

case("replies of all kinds", function()
	equal(db:set("k", "v"), "OK")
	equal(db:get "k", "v")
	equal(db:get "absent", nil)
	equal(db:incr "n", 1)
	equal(db:rpush("list", "a", 2, 3.5), 3)
	equal(db:lrange("list", 0, -1), { "a", "2", "3.5" })
	equal(db:mget("k", "absent", "n"), { "v", nil, "1" })
	equal(db:lrange("none", 0, -1), {})
	equal(db:blpop("none", 0.01), nil)
	equal(db:exists "k", true)
	equal(db:exists "absent", false)
	db:sadd("set", "m")
	equal(db:sismember("set", "m"), true)
	equal(db:sismember("set", "x"), false)
	equal(db:ping(), "PONG")
	equal(db:ping(nil), "PONG")
	equal(db:set { "k2", "a\r\nb\0c" }, "OK")
	equal(db:get "k2", "a\r\nb\0c")
	local big = ("x\r\n"):rep(300000)
	db:set("big", big)
	ok(db:get "big" == big)
	equal(db:eval("return {1, {2, {3, 'x'}}, false}", 0), { 1, { 2, { 3, "x" } }, nil })
end)

case("errors throw their text, and arrays with an error themselves", function()
	fails("socketchannel.lua", db.incr, db, "k")
	fails("ERR value is not an integer or out of range", db.incr, db, "k")
	fails("ERR unknown command", db.nosuchcommand, db)
	db:multi()
	db:set("k", "w")
	db:incr "k"
	local success, replies = pcall(db.exec, db)
	equal(success, false)
	equal(replies[1], "OK")
	kit.contains(replies[2], "ERR value is not an integer")
	equal(db:get "k", "w")
end)

case("many requests at once are answered in order", function()
	local tasks = {}
	for i = 1, 300 do
		tasks[i] = net.spawn(db.echo, db, "e" .. i)
	end
	for i = 1, 300 do
		equal(tasks[i].wait(), "e" .. i)
	end
end)

case("pipelines", function()
	equal(db:pipeline { { "SET", "p", "1" }, { "INCR", "p" } }, 2)
	local resp = {}
	equal(db:pipeline({ { "get", "p" }, { "HGET", "p", "x" }, { "GET", "absent" } }, resp), resp)
	equal(resp[1], { ok = true, out = "2" })
	equal(resp[2].ok, false)
	kit.contains(resp[2].out, "WRONGTYPE")
	equal(resp[3], { ok = true })
	fails("WRONGTYPE", db.pipeline, db, { { "GET", "p" }, { "HGET", "p", "x" } })
	fails("pipeline is null", db.pipeline, db, {})
end)

case("who may not log in fails", function()
	fails(socketchannel.error, connect, { auth = "wrong" })
	fails(socketchannel.error, connect, { db = 9999 })
	fails(socketchannel.error, connect, { port = 1 })
	local named = connect { username = "default" }
	equal(named:ping(), "PONG")
	named:disconnect()
	equal(getmetatable(named), nil)
end)

case("the connection is lost and comes back, in the same database", function()
	local other = connect()
	local blocked = net.spawn(other.blpop, other, "nothing", 0)
	skynet.sleep(5)
	local id = db:client("list"):match "id=(%d+)[^\n]*cmd=blpop"
	equal(db:client("kill", "id", id), 1)
	fails(socketchannel.error, blocked.wait)
	equal(other:get "k", "w")
	other:disconnect()
end)

case("a nil among the arguments drops the connection, and the next call has a new one", function()
	local other = connect()
	local success = pcall(other.set, other, "a", nil, "b")
	equal(success, false)
	net.until_true(function() return pcall(other.ping, other) end)
	other:disconnect()
end)

case("subscriptions", function()
	local watch = redis.watch { host = "127.0.0.1", port = port, auth = "secret" }
	watch:subscribe("news", "more")
	watch:psubscribe "p.*"
	net.until_true(function() return db:pubsub("numsub", "more")[2] == 1 and db:pubsub "numpat" == 1 end)
	local message = net.spawn(watch.message, watch)
	db:publish("news", "one")
	equal({ message.wait() }, { "one", "news" })
	db:publish("p.x", "two")
	equal({ watch:message() }, { "two", "p.x", "p.*" })
	watch:unsubscribe "news"
	net.until_true(function() return db:pubsub("numsub", "news")[2] == 0 end)

	local id = db:client("list", "type", "pubsub"):match "id=(%d+)"
	message = net.spawn(watch.message, watch)
	skynet.sleep(2)
	db:client("kill", "id", id)
	fails(socketchannel.error, message.wait)
	message = net.spawn(watch.message, watch)
	net.until_true(function() return db:pubsub("numsub", "more")[2] == 1 end, "subscribed again")
	equal(db:publish("news", "unheard"), 0)
	db:publish("more", "three")
	equal({ message.wait() }, { "three", "more" })
	watch:disconnect()
end)

-- A server that answers each command with a text.
local function fake_server(answer)
	local fake_port, listener = net.serve(function(fd)
		while socket.read(fd) do
			socket.write(fd, answer)
		end
		socket.close(fd)
	end)
	return redis.connect { host = "127.0.0.1", port = fake_port }, function() socket.close(listener) end
end

case("replies that make no sense fail the call, and the next one has a new connection", function()
	for answer, err in pairs {
		["?what\r\n"] = "Invalid redis reply",
		["\r\n"] = "Invalid redis reply",
		[":abc\r\n"] = "Invalid number",
		["$abc\r\n"] = "Invalid size",
		["$-2\r\n"] = "Invalid size",
		["$3x\r\n"] = "Invalid size",
		["$99999999999999\r\n"] = "Invalid size",
		["$1.5\r\n"] = "Invalid size",
		["*-7\r\n"] = "Invalid size",
		["$3\r\nabcde"] = "Invalid end of a string",
		[("*1\r\n"):rep(100)] = "Too many nested arrays",
	} do
		local client, close = fake_server(answer)
		fails(err, client.get, client, "x")
		fails(err, client.get, client, "x")
		client:disconnect()
		close()
	end
	local client, close = fake_server(("*1\r\n"):rep(64) .. ":7\r\n")
	local value = client:get "x"
	for _ = 1, 64 do
		value = value[1]
	end
	equal(value, 7)
	client:disconnect()
	close()
end)

kit.run(function()
	db = connect()
	db:flushdb()
end)
