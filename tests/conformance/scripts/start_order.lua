-- start: main chunk forks, timeouts set before, init functions, start function, LAUNCHOK
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.fork(conf.out, "fork of the main chunk")
	skynet.timeout(0, function()
		conf.out "timeout of the main chunk"
	end)
	skynet.init(function()
		conf.out "init one"
	end)
	skynet.init(function()
		skynet.sleep(1)
		conf.out "init two, after a sleep"
	end)
	conf.out("main chunk", select(2, coroutine.running()))
	skynet.start(function()
		conf.out("start function", select(2, coroutine.running()))
		skynet.fork(conf.out, "fork of start")
		skynet.sleep(1)
		conf.out "start function ends"
	end)
	conf.out "main chunk ends"
	return
end

conf.run(function()
	local p = conf.peer "peer"
	conf.out("launched", skynet.address(p))
	conf.try("init outside of loading", skynet.init, function() end)
	conf.try("init of nothing", skynet.init)
end)
