-- an ERROR message breaks the call with that session, whatever its source
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, source, cmd, session)
			if cmd == "break" then
				core.send(source, skynet.PTYPE_ERROR, session, "")
				skynet.ret()
			end
		end)
	end)
	return
end

conf.run(function()
	local p, q = conf.peer "peer", conf.peer "peer"
	local me = {}
	local session
	skynet.fork(function()
		session = core.genid() + 1
		conf.try("broken by a third", skynet.call, p, "lua", "hang")
		skynet.wakeup(me)
	end)
	skynet.yield()
	skynet.fork(skynet.call, q, "lua", "break", session)
	skynet.wait(me)
	skynet.call(q, "lua", "break", 0x7000000)
	conf.out "a stray error is ignored"
end)
