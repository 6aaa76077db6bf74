-- skynet.coroutine: a user coroutine that blocks in skynet blocks its resumer, and goes on later
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local co = require "skynet.coroutine"

if ... == "peer" then
	conf.serve {
		double = function(n)
			return n * 2
		end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local generator = co.wrap(function()
		for i = 1, 3 do
			co.yield(skynet.call(p, "lua", "double", i))
		end
		skynet.sleep(1)
		return "end"
	end)
	conf.out(generator(), generator(), generator(), generator())
	local outer = co.wrap(function()
		local inner = co.wrap(function()
			skynet.sleep(1)
			co.yield "inner"
			skynet.sleep(1)
			return "inner end"
		end)
		co.yield(inner())
		return inner()
	end)
	conf.out(outer(), outer())
	local blocked = co.create(function()
		skynet.wait "token"
		return "unblocked"
	end)
	skynet.fork(function()
		conf.out("resumed", co.resume(blocked))
	end)
	skynet.yield()
	conf.out("status", co.status(blocked))
	conf.out("resume of the blocked", co.resume(blocked))
	skynet.wakeup "token"
	skynet.yield()
	conf.out("status", co.status(blocked))
end)
