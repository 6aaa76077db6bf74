-- skynet.queue: an error lets the next waiter in
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local queue = require "skynet.queue"

conf.run(function()
	local lock = queue()
	for i = 1, 3 do
		skynet.fork(function()
			conf.try("lock " .. i, lock, function()
				skynet.yield()
				if i == 2 then
					error("two fails", 0)
				end
				return i
			end)
		end)
	end
	skynet.sleep(5)
end)
