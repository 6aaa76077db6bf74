-- an error in a timeout is reported with session and source 0, others go on
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	skynet.timeout(1, function()
		error "in a timeout"
	end)
	skynet.timeout(1, function()
		conf.out "the next one"
	end)
	skynet.timeout(0, function()
		error { "a table" }
	end)
	skynet.sleep(4)
	conf.out "survived"
end)
