-- messages in the queue of a killed service come back as errors, those with session 0 as news of its death
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"
require "skynet.manager"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "hang" then
				skynet.wait {}
			elseif cmd == "block" then
				skynet.register ".blocking"
				while not skynet.localname ".killed" do
				end
			end
			skynet.ret()
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local done
	skynet.fork(function()
		conf.try("hanging call", skynet.call, p, "lua", "hang")
		done = true
	end)
	skynet.yield()
	skynet.send(p, "lua", "block")
	skynet.send(p, "lua", "queued, session 0")
	conf.await(function()
		return skynet.localname ".blocking"
	end)
	skynet.kill(p)
	skynet.register ".killed"
	conf.await(function()
		return done
	end)
	conf.out(core.genid() > 0)
end)
