-- killthread: a blocked call, a request being served, an unstarted fork, by pattern
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	local serving
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "hang" then
				serving = coroutine.running()
				local guard <close> = setmetatable({}, { __close = function()
					conf.out "closed"
				end })
				skynet.wait {}
			elseif cmd == "kill" then
				conf.out("result is the thread", skynet.killthread(serving) == serving)
				conf.out("again", skynet.killthread(serving))
				skynet.ret()
			elseif cmd == "slow" then
				skynet.sleep(2)
				skynet.ret()
			else
				skynet.ret()
			end
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	skynet.fork(conf.try, "served by a killed thread", skynet.call, p, "lua", "hang")
	skynet.yield()
	skynet.call(p, "lua", "kill")
	local caller = skynet.fork(function()
		skynet.call(p, "lua", "slow")
		conf.out "never"
	end)
	skynet.yield()
	conf.out("killed caller", skynet.killthread(caller) == caller)
	skynet.call(p, "lua", "slow")
	local fork = skynet.fork(conf.out, "never")
	conf.out("unstarted", skynet.killthread(fork) == fork)
	conf.out("running", skynet.killthread(coroutine.running()))
	conf.out("no such", skynet.killthread "nosuch pattern")
	local dead = coroutine.create(function() end)
	coroutine.resume(dead)
	conf.out("dead", skynet.killthread(dead))
	local waiting = skynet.fork(skynet.wait, {})
	skynet.yield()
	conf.out("by pattern", skynet.killthread(tostring(waiting):match "0x%x+") == waiting, coroutine.status(waiting))
end)
