-- uniqtask: equal stacks are counted together, at most nine sessions are shown
-- log: no
-- unordered: group
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
	for k, v in pairs(skynet.uniqtask()) do
		local count, sessions = k:match "^(%d+)\tsessions:%[(.*)%]\n$"
		local _, commas = (sessions or ""):gsub(",", "")
		conf.out("group", count, commas + 1, sessions and sessions:match "%.%.%." or "all", type(v))
	end
end)
