-- core.redirect and skynet.redirect: the source is what one says, and answers go there
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(session, source, ...)
			conf.out("peer got", session, skynet.address(source), ...)
			if session ~= 0 then
				skynet.ret(skynet.pack "answer")
			end
		end)
	end)
	return
end

conf.run(function()
	local self = skynet.self()
	local p = conf.peer "peer"
	local q = conf.peer "peer"
	conf.out("self", skynet.address(self), skynet.address(p), skynet.address(q))
	conf.out("as q", core.redirect(p, q, 10, 0, core.packstring "one"))
	conf.out("source 0 is self", core.redirect(p, 0, 10, 0, core.packstring "two"))
	conf.out("skynet.redirect", skynet.redirect(p, q, "lua", 0, skynet.pack "three"))
	conf.out("foreign source", skynet.redirect(p, 0x123456, "lua", 0, skynet.pack "four"))
	conf.try("no destination", core.redirect, nil, q, 10, 0, "")
	conf.try("no source", core.redirect, p, nil, 10, 0, "")
	conf.try("unreachable", core.redirect, ".nosuch", q, 10, 0, "")
	conf.try("unknown protocol", skynet.redirect, p, q, "nosuch", 0, "")
	skynet.call(p, "lua", "flush")
end)
