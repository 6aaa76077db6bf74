-- init_service: what start does in its coroutine, for a service with a callback of its own
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

local role = ...
if role then
	local seen = 0
	core.callback(function(...)
		seen = seen + 1
		return skynet.dispatch_message(...)
	end)
	skynet.init(function()
		skynet.yield()
		conf.out("init", seen > 0)
	end)
	skynet.timeout(0, function()
		skynet.init_service(function()
			conf.out "start"
			skynet.dispatch("lua", function(_, _, ...)
				skynet.retpack(...)
			end)
			if role == "fails" then
				error "on purpose"
			elseif role == "exits" then
				skynet.exit()
			end
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "works"
	conf.out(skynet.call(p, "lua", "served", 1))
	conf.try("fails", conf.peer, "fails")
	conf.try("exits", conf.peer, "exits")
end)
