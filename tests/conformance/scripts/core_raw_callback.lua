-- core.callback: a service without skynet.lua sees types, sizes, sessions and sources as they come
-- log: own
local conf = require "conf"
local core = require "skynet.core"

if ... == "raw" then
	core.callback(function(type, msg, sz, session, source)
		conf.out("raw", type, core.tostring(msg, sz), sz, session, source ~= 0)
		if session > 0 and type == 10 then
			return core.send(source, 1, session, core.packstring("raw answer", sz))
		end
	end)
	core.send(".launcher", 10, 0, core.packstring "LAUNCHOK")
	return
end

local skynet = require "skynet"

conf.run(function()
	local p = conf.bare_peer "raw"
	skynet.send(p, "lua", "hello")
	core.send(p, 3, 0, "client text")
	core.send(p, 0, 5, "")
	conf.out(skynet.call(p, "lua", "question"))
	conf.try("no function", core.callback)
	conf.try("a number", core.callback, 1)
end)
