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
	conf.out("fraction", conf.err(select(2, pcall(skynet.timeout, 1.5, print))):match "number has no integer representation")
	conf.out("nil", (pcall(skynet.timeout, nil, print)))
	conf.out("table", (pcall(skynet.timeout, {}, print)))
	conf.out("integral float", type(skynet.timeout(2.0, function()
		conf.out "two"
	end)))
	skynet.sleep(5)
end)
