-- errors of handlers and of their forks, woken one by one by a lock: the order in the report
-- compare: sessions
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local queue = require "skynet.queue"

conf.run(function()
	local lock = queue()
	for i = 1, 3 do
		skynet.fork(function()
			lock(function()
				skynet.yield()
				skynet.fork(error, "fork of " .. i, 0)
			end)
			error("coroutine " .. i, 0)
		end)
	end
	skynet.sleep(5)
	-- The same, the holder failing when the others have come to wait.
	local token = {}
	for i = 1, 3 do
		skynet.fork(function()
			skynet.wait(token)
		end)
		skynet.yield()
		skynet.wakeup(token)
		skynet.fork(error, "next fork " .. i, 0)
		skynet.yield()
	end
end)
