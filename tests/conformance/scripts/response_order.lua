-- responses kept by a service answer in the order in which it likes
-- log: no
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	local kept = {}
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, n)
			kept[n] = skynet.response()
			if #kept == 5 then
				for i = 5, 1, -1 do
					kept[i](true, i * 10)
				end
			end
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local left, me = 5, {}
	for i = 1, 5 do
		skynet.fork(function()
			conf.out(i, skynet.call(p, "lua", i))
			left = left - 1
			if left == 0 then
				skynet.wakeup(me)
			end
		end)
	end
	skynet.wait(me)
end)
