-- skynet.queue: one at a time, in order of arrival, re-entrant, errors release it
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local queue = require "skynet.queue"

conf.run(function()
	local lock = queue()
	local left, me = 4, {}
	for i = 1, 4 do
		skynet.fork(function()
			conf.out("enter", lock(function(...)
				conf.out("in", i, ...)
				skynet.sleep(1)
				lock(function()
					conf.out("nested", i)
					skynet.yield()
				end)
				conf.out("out", i)
				return i, nil, "result"
			end, "argument", i))
			left = left - 1
			if left == 0 then
				skynet.wakeup(me)
			end
		end)
	end
	skynet.wait(me)
	conf.try("error", lock, function()
		error "inside"
	end)
	local ok, err = pcall(lock, error, { code = 5 })
	conf.out("table", ok, err)
	conf.out("free again", lock(function()
		return "yes"
	end))
	conf.out("skynet.queue", skynet.queue == queue)
end)
