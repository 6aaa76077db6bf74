-- a handler that returns without answering is reported, its caller waits
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "flush" then
				skynet.ret()
			end
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local answered = false
	skynet.fork(function()
		skynet.call(p, "lua", "forget")
		answered = true
	end)
	skynet.yield()
	skynet.call(p, "lua", "flush")
	skynet.send(p, "lua", "forget")
	skynet.call(p, "lua", "flush")
	conf.out("answered", answered)
end)
