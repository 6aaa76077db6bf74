-- forward_type: mapped messages keep their payload and may be sent on untouched
-- log: own
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

local role, target = ...
if role == "forwarder" then
	target = tonumber(target)
	skynet.register_protocol {
		name = "system",
		id = skynet.PTYPE_SYSTEM,
		unpack = function(...)
			return ...
		end,
	}
	skynet.forward_type({ [skynet.PTYPE_LUA] = skynet.PTYPE_SYSTEM }, function()
		skynet.dispatch("system", function(session, source, msg, sz)
			skynet.ignoreret()
			skynet.redirect(target, source, "lua", session, msg, sz)
		end)
	end)
	return
elseif role == "target" then
	skynet.start(function()
		skynet.dispatch("lua", function(session, source, ...)
			conf.out("target", session ~= 0, skynet.address(source), ...)
			if session ~= 0 then
				skynet.ret(skynet.pack("from the target", ...))
			end
		end)
	end)
	return
end

conf.run(function()
	local t = conf.peer "target"
	local f = conf.peer("forwarder", t)
	conf.out(skynet.call(f, "lua", 1, "two"))
	skynet.send(f, "lua", "sent")
	conf.out(skynet.call(f, "lua", "flush"))
	conf.out("debug still works", select("#", skynet.call(f, "debug", "PING")))
end)
