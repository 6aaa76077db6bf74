-- wakeup: woken coroutines run in the order of the calls when the current one suspends
-- log: no
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local token = {}
	for i = 1, 4 do
		token[i] = { i }
		skynet.fork(function()
			conf.out("wait", i, skynet.wait(token[i]))
			conf.out("woken", i)
			if i == 2 then
				conf.out("2 wakes 4", skynet.wakeup(token[4]))
				conf.out("2 wakes 3 again", skynet.wakeup(token[3]))
			end
		end)
	end
	skynet.yield()
	conf.out(skynet.wakeup(token[3]), skynet.wakeup(token[1]), skynet.wakeup(token[2]))
	skynet.fork(conf.out, "a fork of this turn")
	conf.out "main suspends"
	skynet.yield()
	conf.out "main again"
	conf.out("nobody", skynet.wakeup(token[1]), skynet.wakeup {})
end)
