-- calls to a killed service: queued ones fail, later ones are to an invalid address
-- log: own
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

if ... == "peer" then
	conf.serve {
		block = function()
			skynet.register ".blocking"
			while not skynet.localname ".killed" do
			end
			return "unblocked"
		end,
		echo = function(...)
			return ...
		end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local results = {}
	local left = 3
	local me = {}
	for i = 1, 3 do
		skynet.fork(function()
			local ok, err
			if i == 1 then
				ok, err = pcall(skynet.call, p, "lua", "block")
			else
				ok, err = pcall(skynet.call, p, "lua", "echo", i)
			end
			results[i] = { ok, ok and err or conf.err(err) }
			left = left - 1
			if left == 0 then
				skynet.wakeup(me)
			end
		end)
	end
	skynet.fork(function()
		conf.await(function()
			return skynet.localname ".blocking"
		end)
		skynet.kill(p)
		skynet.register ".killed"
	end)
	skynet.wait(me)
	conf.out(results)
	conf.try("afterwards", skynet.call, p, "lua", "echo")
end)
