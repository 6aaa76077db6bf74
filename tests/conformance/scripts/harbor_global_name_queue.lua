-- messages to a global name that nobody has yet wait for it, in order
-- log: own
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

conf.run(function()
	local me, n = {}, 0
	skynet.dispatch("lua", function(session, _, ...)
		conf.out("got", session ~= 0, ...)
		n = n + 1
		if session ~= 0 then
			skynet.ret(skynet.pack "answer")
		end
	end)
	conf.out(skynet.send("NOT_YET", "lua", 1), skynet.send("NOT_YET", "lua", 2))
	skynet.fork(function()
		conf.out("call", skynet.call("NOT_YET", "lua", 3))
		skynet.wakeup(me)
	end)
	skynet.sleep(5)
	conf.out("nothing yet", n)
	skynet.register "NOT_YET"
	skynet.wait(me)
end)
