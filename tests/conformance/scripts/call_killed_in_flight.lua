-- a request that a killed service was serving is not answered; a queued send to the dead releases the caller
-- log: own
-- differs: a call that a killed service was serving fails at once; on skynet it hangs until the caller hears of the death
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

if ... == "peer" then
	conf.serve {
		hang = function()
			skynet.wait {}
		end,
		ping = function() end,
	}
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
	skynet.call(p, "lua", "ping")
	skynet.kill(p)
	skynet.sleep(10)
	conf.out("released by the kill", done)
	skynet.term(p)
	skynet.sleep(1)
	conf.out("released by term", done)
end)
