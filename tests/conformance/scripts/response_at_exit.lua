-- skynet.exit answers what is pending with errors: requests being served, response closures, queued ones
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	local kept
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "keep" then
				kept = skynet.response()
			elseif cmd == "sleep" then
				skynet.sleep(10000)
			elseif cmd == "wait" then
				skynet.wait {}
			elseif cmd == "exit" then
				skynet.exit()
			end
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local left, me, results = 5, {}, {}
	for _, cmd in ipairs { "keep", "sleep", "wait", "exit", "behind" } do
		skynet.fork(function()
			local ok, err = pcall(skynet.call, p, "lua", cmd)
			results[cmd] = ok or conf.err(err)
			left = left - 1
			if left == 0 then
				skynet.wakeup(me)
			end
		end)
	end
	skynet.wait(me)
	conf.out(results)
end)
