-- wait: tokens are exclusive, and a token that is in use is refused
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local token = {}
	skynet.fork(function()
		skynet.wait(token)
		conf.out "first waiter woken"
	end)
	skynet.yield()
	skynet.fork(function()
		conf.try("duplicate wait", skynet.wait, token)
	end)
	skynet.fork(function()
		conf.try("duplicate sleep", skynet.sleep, 5, token)
	end)
	skynet.yield()
	conf.out(skynet.wakeup(token))
	skynet.sleep(10)
	conf.out("free again", skynet.wakeup(token))
	for _, t in ipairs { "text", 12, true } do
		skynet.fork(function()
			skynet.wait(t)
			conf.out("token", t)
		end)
		skynet.yield()
		conf.out(skynet.wakeup(t))
		skynet.yield()
	end
end)
