-- skynet.exit: forks are dropped, to-be-closed variables run, callees and callers are told
-- log: own
local conf = require "conf"
local skynet = require "skynet"

local role, other = ...
if role == "peer" then
	local closed = {}
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			local guard <close> = setmetatable({}, { __close = function()
				closed[cmd] = true
				if cmd == "exit" then
					conf.out(closed)
				end
			end })
			if cmd == "block" then
				skynet.wait {}
			elseif cmd == "out" then
				skynet.call(tonumber(other), "lua", "hang")
			elseif cmd == "exit" then
				skynet.fork(skynet.error, "never seen")
				skynet.exit()
			end
		end)
	end)
	return
elseif role == "callee" then
	skynet.start(function()
		local kept
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "hang" then
				kept = skynet.response()
			else
				local tested
				for _ = 1, 100 do
					tested = kept "TEST"
					if not tested then
						break
					end
					skynet.sleep(1)
				end
				skynet.ret(skynet.pack(tested, (kept(true))))
			end
		end)
	end)
	return
end

conf.run(function()
	local callee = conf.peer "callee"
	local p = conf.peer("peer", callee)
	local left, me, results = 3, {}, {}
	for _, cmd in ipairs { "block", "out", "exit" } do
		skynet.fork(function()
			results[cmd] = conf.err(select(2, pcall(skynet.call, p, "lua", cmd)))
			left = left - 1
			if left == 0 then
				skynet.wakeup(me)
			end
		end)
		skynet.sleep(2)
	end
	if left > 0 then
		skynet.wait(me)
	end
	conf.out(results)
	conf.out("callee knows", skynet.call(callee, "lua", "test"))
end)
