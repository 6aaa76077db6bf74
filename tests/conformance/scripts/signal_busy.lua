-- signal 0: interrupts a coroutine that does not come back, its caller gets an error
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "loop" then
				core.command("REG", ".looping")
				while true do
				end
			end
			skynet.ret(skynet.pack(cmd))
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local me = {}
	skynet.fork(function()
		conf.try("loop", skynet.call, p, "lua", "loop")
		skynet.wakeup(me)
	end)
	conf.await(function()
		return skynet.localname ".looping"
	end)
	core.command("SIGNAL", skynet.address(p))
	skynet.wait(me)
	conf.out("alive", skynet.call(p, "lua", "alive"))
end)
