-- ignoreret, context: who is being served
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, source, cmd)
			local session, from = skynet.context()
			conf.out("context", math.type(session), from == source)
			if cmd == "ret" then
				skynet.ret()
				session, from = skynet.context()
				conf.out("after ret", session, from == source)
			elseif cmd == "redirected" then
				skynet.ignoreret()
				session, from = skynet.context()
				conf.out("after ignoreret", session, from == source)
			elseif cmd == "fork" then
				skynet.fork(function()
					conf.out("in a fork", skynet.context())
				end)
				skynet.ret()
			end
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	skynet.call(p, "lua", "ret")
	skynet.call(p, "lua", "fork")
	skynet.send(p, "lua", "send")
	skynet.fork(skynet.call, p, "lua", "redirected")
	skynet.yield()
	conf.out("outside", skynet.context())
	skynet.call(p, "lua", "ret")
end)
