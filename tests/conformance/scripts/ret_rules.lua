-- ret: once per request, in its own coroutine, true when delivered
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(session, _, cmd)
			if cmd == "twice" then
				conf.out("first", skynet.ret(skynet.pack "one"))
				conf.try("second", skynet.ret, skynet.pack "two")
			elseif cmd == "fork" then
				skynet.fork(function()
					conf.try("in a fork", skynet.ret, skynet.pack "fork")
				end)
				skynet.yield()
				conf.out("retpack", skynet.retpack("late", session ~= 0))
			elseif cmd == "send" then
				conf.out("to a send", skynet.ret(skynet.pack "x"))
				conf.try("to a send again", skynet.ret, skynet.pack "x")
			elseif cmd == "empty" then
				conf.out("empty", skynet.ret())
			elseif cmd == "string" then
				conf.out("string", skynet.ret(skynet.packstring("packed", "string")))
			elseif cmd == "none" then
				return
			end
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	conf.out("caller", skynet.call(p, "lua", "twice"))
	conf.out("caller", skynet.call(p, "lua", "fork"))
	skynet.send(p, "lua", "send")
	conf.out("caller", select("#", skynet.call(p, "lua", "empty")))
	conf.out("caller", skynet.call(p, "lua", "string"))
	conf.try("outside a request", skynet.ret)
	skynet.timeout(0, function()
		conf.try("in a timeout", skynet.ret)
	end)
	skynet.fork(skynet.call, p, "lua", "none")
	skynet.yield()
	conf.out("caller", skynet.call(p, "lua", "string"))
end)
