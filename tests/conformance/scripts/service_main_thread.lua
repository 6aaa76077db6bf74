-- the main chunk may send, but not block
-- log: own
-- differs: the late answer to a call that could not block is dropped; skynet reports an unknown session
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	conf.out("running", select(2, coroutine.running()))
	conf.try("call", skynet.call, ".launcher", "debug", "PING")
	conf.out("send", skynet.send(".launcher", "debug", "PING"))
	skynet.start(function()
		skynet.sleep(3)
	end)
	return
end

conf.run(function()
	conf.out(type(conf.peer "peer"))
end)
