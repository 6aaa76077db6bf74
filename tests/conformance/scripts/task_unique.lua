-- uniqtask: equal stacks are counted together, at most nine sessions are shown
-- log: no
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local tokens = {}
	for i = 1, 12 do
		tokens[i] = {}
		skynet.fork(skynet.wait, tokens[i])
	end
	for i = 13, 14 do
		tokens[i] = {}
		skynet.fork(function()
			skynet.wait(tokens[i])
		end)
	end
	skynet.yield()
	local tasks, most, dots = 0, 0, nil
	for k, v in pairs(skynet.uniqtask()) do
		local count, sessions = k:match "^(%d+)\tsessions:%[(.*)%]\n$"
		if not sessions or type(v) ~= "string" then
			conf.out("odd entry", k, v)
		end
		tasks = tasks + tonumber(count)
		if tonumber(count) > 10 then
			dots = sessions:match "%.%.%."
		end
		most = math.max(most, select(2, sessions:gsub("%d+", "")))
	end
	conf.out("tasks", tasks, "most sessions", most, dots)
end)
