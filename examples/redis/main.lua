-- A user of Redis: values, a pipeline, an error, a subscription.

local skynet = require "skynet"
local redis = require "skynet.db.redis"
require "skynet.manager"	-- skynet.abort

local conf = {
	host = skynet.getenv "redis_host",
	port = tonumber(skynet.getenv "redis_port"),
	db = tonumber(skynet.getenv "redis_db"),
}

local function values(db)
	db:set("example:name", "snhost")
	skynet.error("name is", db:get "example:name")
	db:del "example:list"
	db:rpush("example:list", "a", "b", "c")
	skynet.error("the list has", table.concat(db:lrange("example:list", 0, -1), " "))
end

-- Sent together, answered together; without a table for the replies only the last one is returned.
local function pipeline(db)
	local replies = db:pipeline({
		{ "SET", "example:count", 41 },
		{ "INCR", "example:count" },
		{ "LPUSH", "example:count", "x" },
	}, {})
	for i, reply in ipairs(replies) do
		skynet.error("reply", i, reply.ok and "is" or "is the error", reply.out)
	end
end

local function subscription(db)
	local watch = redis.watch(conf)
	watch:subscribe "example:news"
	skynet.fork(function()
		-- A message reaches only who is subscribed already.
		while db:publish("example:news", "something happened") == 0 do
			skynet.sleep(1)
		end
	end)
	local data, channel = watch:message()
	skynet.error("from", channel, "comes:", data)
	watch:disconnect()
end

skynet.start(function()
	local db = redis.connect(conf)
	values(db)
	pipeline(db)
	subscription(db)
	db:disconnect()
	skynet.sleep(10)	-- what the logger has not written when the node ends is lost
	skynet.abort()
end)
