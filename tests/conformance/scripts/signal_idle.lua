-- signal 0 to an idle service: it hits the dispatch of the next message, which is lost
-- log: own
-- differs: signal 0 to an idle service does nothing; on skynet it destroys the next message
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			conf.out("handles", cmd)
			skynet.ret()
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	skynet.call(p, "lua", "before")
	skynet.sleep(5)
	core.command("SIGNAL", skynet.address(p))
	core.command("SIGNAL", skynet.address(p))
	skynet.send(p, "lua", "lost")
	skynet.call(p, "lua", "after")
end)
