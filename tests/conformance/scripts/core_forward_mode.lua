-- callback in forward mode: the payload is the handler's and can be sent on without a copy
-- log: own
local conf = require "conf"
local core = require "skynet.core"

if ... == "raw" then
	local target = tonumber((select(2, ...)))
	core.callback(function(type, msg, sz, session, source)
		if type == 10 then
			core.redirect(target, source, type, session, msg, sz)
		else
			core.trash(msg, sz)
		end
	end, true)
	core.send(".launcher", 10, 0, core.packstring "LAUNCHOK")
	return
elseif ... == "peer" then
	conf.serve {
		echo = function(...)
			return "echo", ...
		end,
	}
	return
end

local skynet = require "skynet"

conf.run(function()
	local peer = conf.peer "peer"
	local p = conf.bare_peer("raw", peer)
	conf.out(skynet.call(p, "lua", "echo", 1, "two", { 3 }))
	core.send(p, 3, 0, "to be trashed")
	conf.out(#select(2, skynet.call(p, "lua", "echo", string.rep("x", 100000))))
end)
