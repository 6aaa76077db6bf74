-- an error at the end of a chain of calls fails every call of the chain, and each service says so
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	local nextaddr
	conf.serve {
		link = function(addr)
			nextaddr = addr
		end,
		pass = function(n)
			if n == 0 then
				error "end of the chain"
			end
			return skynet.call(nextaddr, "lua", "pass", n - 1)
		end,
		guarded = function(n)
			return pcall(skynet.call, nextaddr, "lua", "pass", n) and "answered" or "guarded"
		end,
	}
	return
end

conf.run(function()
	local list = {}
	for i = 1, 3 do
		list[i] = conf.peer "peer"
	end
	for i = 1, 3 do
		skynet.call(list[i], "lua", "link", list[i % 3 + 1])
	end
	conf.try("chain", skynet.call, list[1], "lua", "pass", 2)
	conf.try("guarded", skynet.call, list[1], "lua", "guarded", 1)
end)
