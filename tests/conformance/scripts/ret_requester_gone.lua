-- ret and response when the requester is gone by then
-- log: own
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

local role, target = ...
if role == "caller" then
	skynet.start(function()
		skynet.fork(skynet.call, tonumber(target), "lua", "slow")
		skynet.fork(skynet.call, tonumber(target), "lua", "delayed")
	end)
	return
end

conf.run(function()
	local me, responded = {}, nil
	skynet.dispatch("lua", function(_, source, cmd)
		if cmd == "delayed" then
			responded = skynet.response()
			return
		end
		skynet.sleep(10)
		skynet.kill(source)
		conf.out("ret", skynet.ret(skynet.pack "x"))
		conf.out("TEST", responded "TEST")
		conf.out("response", responded(true, "x"))
		conf.try("again", responded, true)
		skynet.wakeup(me)
	end)
	skynet.newservice(SERVICE_NAME, "caller", skynet.self())
	skynet.wait(me)
end)
