-- fork: an error does not stop later forks, all are reported together
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	skynet.fork(error, "first fork fails", 0)
	skynet.fork(conf.out, "second runs")
	skynet.fork(error, "third fork fails", 0)
	skynet.fork(conf.out, "fourth runs")
	skynet.yield()
	conf.out("type of a fork", type(skynet.fork(function() end)))
end)
