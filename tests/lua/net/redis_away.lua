-- A redis user whose server goes away and comes back: prints READY, GONE, BACK, and the verdict. Config key redis_port.

local skynet = require "skynet"
local redis = require "skynet.db.redis"
local socketchannel = require "skynet.socketchannel"
local net = dofile(SERVICE_PATH .. "net_kit.lua")
require "skynet.manager"

local function say(text)
	print(text)
	io.stdout:flush()
end

skynet.start(function()
	skynet.fork(function()
		local conf = { host = "127.0.0.1", port = math.tointeger(skynet.getenv "redis_port"), db = 3 }
		local db = redis.connect(conf)
		local watch = redis.watch(conf)
		watch:subscribe "news"
		db:set("k", "v")
		local blocked = net.spawn(db.blpop, db, "nothing", 0)
		local message = net.spawn(watch.message, watch)
		say "READY"
		for _, task in ipairs { blocked, message } do
			net.until_true(function() return task.done end)
			local ok, err = pcall(task.wait)
			assert(not ok and err == socketchannel.error, tostring(err))
		end
		local ok, err = pcall(db.get, db, "k")
		assert(not ok and err == socketchannel.error, tostring(err))
		message = net.spawn(watch.message, watch)
		say "GONE"
		net.until_true(function() return pcall(db.ping, db) end, "the server is back")
		say "BACK"
		assert(db:client "info":find "db=3")
		net.until_true(function()
			db:publish("news", "again")
			return message.done
		end, "subscribed again")
		assert(message.wait() == "again")
		say "VERDICT ok 6"
		skynet.abort()
	end)
end)
