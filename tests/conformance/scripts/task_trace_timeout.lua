-- trace_timeout: tasks that wait for a timeout show when it is due
-- log: no
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	skynet.trace_timeout(true)
	local co = skynet.timeout(10000, function() end)
	local text = skynet.task(skynet.task(co))
	conf.out((text:gsub("^TIMER %d+%+(%d+) : .*", "TIMER now+%1")))
	skynet.trace_timeout(false)
	local plain = skynet.timeout(10000, function() end)
	conf.out((skynet.task(skynet.task(plain)):match "^TIMER"))
end)
