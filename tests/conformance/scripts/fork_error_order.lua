-- errors of coroutines that a lock wakes one by one, and of their forks: the order in the one report
-- compare: sessions
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local queue = require "skynet.queue"

conf.run(function()
	local lock = queue()
	for i = 1, 4 do
		skynet.fork(function()
			lock(function()
				if i == 1 then
					skynet.yield()
				end
				skynet.fork(error, "fork of " .. i, 0)
			end)
			error("coroutine " .. i, 0)
		end)
	end
	skynet.sleep(5)
end)
