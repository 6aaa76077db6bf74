-- thread = 1: everything still goes on, calls to others and to oneself too
-- log: no
-- config: thread = 1
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	conf.serve {
		back = function(addr, n)
			return skynet.call(addr, "lua", n + 1)
		end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	skynet.dispatch("lua", function(_, source, n)
		skynet.ret(skynet.pack(n < 10 and skynet.call(source, "lua", "back", skynet.self(), n) or n))
	end)
	conf.out(skynet.getenv "thread", skynet.call(p, "lua", "back", skynet.self(), 1))
end)
