-- timeout: returns its coroutine; arguments that are refused
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local co
	co = skynet.timeout(1, function(...)
		conf.out("running is the result", coroutine.running() == co, select("#", ...))
	end)
	conf.out(type(co), coroutine.status(co))
	conf.try("fraction", skynet.timeout, 1.5, print)
	conf.try("nil", skynet.timeout, nil, print)
	conf.try("table", skynet.timeout, {}, print)
	conf.out("integral float", type(skynet.timeout(2.0, function()
		conf.out "two"
	end)))
	skynet.sleep(5)
end)
