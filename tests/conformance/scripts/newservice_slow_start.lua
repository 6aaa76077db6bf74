-- newservice: waits for the start function, does not block other launches
-- log: own
local conf = require "conf"
local skynet = require "skynet"

local role = ...
if role == "slow" then
	skynet.start(function()
		skynet.sleep(30)
		conf.out "slow has started"
	end)
	return
elseif role == "fast" then
	skynet.start(function()
		conf.out "fast has started"
	end)
	return
end

conf.run(function()
	local me, left = {}, 2
	for _, name in ipairs { "slow", "fast" } do
		skynet.fork(function()
			conf.peer(name)
			conf.out(name, "launched")
			left = left - 1
			if left == 0 then
				skynet.wakeup(me)
			end
		end)
	end
	skynet.wait(me)
end)
