-- skynet.coroutine: create, wrap, resume, yield, status, running, isyieldable, close
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local co = require "skynet.coroutine"

conf.run(function()
	local c = co.create(function(...)
		conf.out("first", ...)
		conf.out("second", co.yield("y1", nil, 3))
		local _, main = co.thread(co.running())
		conf.out("inside", co.status(co.running()), co.isyieldable(), main)
		return "result"
	end)
	conf.out(co.status(c), co.resume(c, 1, 2))
	conf.out(co.status(c), co.resume(c, "in"))
	conf.out(co.status(c), co.resume(c))
	local w = co.wrap(function(a)
		while true do
			a = co.yield(a * 2)
		end
	end)
	conf.out("wrap", w(1), w(10))
	local e = co.create(function()
		error "inside"
	end)
	local ok, err = co.resume(e)
	conf.out("error", ok, conf.err(err), co.status(e))
	conf.try("wrap error", co.wrap(function()
		error("wrapped", 0)
	end))
	conf.out("plain coroutine", co.resume(coroutine.create(function() end)))
	local closed = co.create(function()
		local guard <close> = setmetatable({}, { __close = function()
			conf.out "guard closed"
		end })
		co.yield(guard ~= nil)
	end)
	conf.out(co.resume(closed))
	conf.out("close", co.close(closed), co.status(closed))
	local thread, main = co.thread()
	conf.out("thread", thread == coroutine.running(), main)
end)
