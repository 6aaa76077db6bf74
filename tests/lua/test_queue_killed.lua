-- skynet.queue when coroutines in it are killed. A difference that is meant: on a real skynet the lock stays taken.

local skynet = require "skynet"
local queue = require "skynet.queue"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

if ... == "peer" then
	local lock = queue()
	kit.serve {
		block_and_exit = function()
			for _ = 1, 3 do
				skynet.fork(lock, function() skynet.wait {} end)
			end
			skynet.fork(skynet.exit)
		end,
	}
	return
end

local function blocked_in(lock)
	local co = skynet.fork(lock, function() skynet.wait {} end)
	skynet.yield()
	return co
end

kit.case("the lock of a killed coroutine passes to the next one", function()
	local lock = queue()
	local holder = blocked_in(lock)
	local waiter = blocked_in(lock)
	local token, result = {}, nil
	skynet.fork(function()
		result = lock(function() return "entered" end)
		skynet.wakeup(token)
	end)
	skynet.yield()
	skynet.killthread(waiter)
	skynet.killthread(holder)
	skynet.wait(token)
	kit.equal(result, "entered")
end)

kit.case("a killed coroutine that nobody waits for leaves the lock free", function()
	local lock = queue()
	skynet.killthread(blocked_in(lock))
	skynet.yield()
	kit.equal(lock(function() return "free" end), "free")
end)

kit.case("a service can exit while coroutines hold and want its lock", function()
	local peer = kit.peer "peer"
	skynet.call(peer, "lua", "block_and_exit")
	kit.raises("", skynet.call, peer, "debug", "LINK")
end)

kit.run()
