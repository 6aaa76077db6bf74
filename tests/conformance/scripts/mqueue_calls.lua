-- skynet.mqueue: one message after another, results and failures
-- log: no
local conf = require "conf"
local skynet = require "skynet"
local mqueue = require "skynet.mqueue"

if ... == "peer" then
	local seen = {}
	skynet.start(function()
		mqueue.register(function(cmd, ...)
			if cmd == "seen" then
				return table.unpack(seen)
			end
			seen[#seen + 1] = "in " .. cmd
			if cmd == "slow" then
				skynet.sleep(2)
			elseif cmd == "boom" then
				error("boom", 0)
			elseif cmd == "sent" then
				return
			end
			seen[#seen + 1] = "out " .. cmd
			return cmd, ...
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local me = {}
	skynet.fork(function()
		conf.out("slow", mqueue.call(p, "slow", 1))
		skynet.wakeup(me)
	end)
	skynet.yield()
	mqueue.send(p, "sent", 2)
	conf.out("fast", mqueue.call(p, "fast", 3, "four"))
	conf.try("boom", mqueue.call, p, "boom")
	conf.out("order", mqueue.call(p, "seen"))
	conf.out("size", mqueue.size())
end)
