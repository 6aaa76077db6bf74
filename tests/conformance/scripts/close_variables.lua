-- to-be-closed variables of handlers: at the end, at an error, in the order of Lua
-- log: own
local conf = require "conf"
local skynet = require "skynet"

local function guard(name)
	return setmetatable({}, { __close = function(_, err)
		conf.out("close", name, err and conf.err(err))
	end })
end

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			local a <close> = guard(cmd .. " a")
			local b <close> = guard(cmd .. " b")
			skynet.yield()
			if cmd == "error" then
				error("raised", 0)
			end
			skynet.ret(skynet.pack(a ~= nil, b ~= nil))
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	conf.out(skynet.call(p, "lua", "plain"))
	conf.try("error", skynet.call, p, "lua", "error")
end)
