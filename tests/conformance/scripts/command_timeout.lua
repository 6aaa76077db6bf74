-- command TIMEOUT: the result is a new session, the answer comes as a RESPONSE of source 0
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

conf.run(function()
	skynet.dispatch_unknown_response(function(session, source, msg, sz)
		conf.out("response", session, source, core.tostring(msg, sz), sz)
	end)
	local before = core.genid()
	local text = core.command("TIMEOUT", "1")
	conf.out(type(text), tonumber(text) - before)
	conf.out(math.type(core.intcommand("TIMEOUT", 0)))
	conf.out("garbage counts as 0", math.type(core.intcommand("TIMEOUT", "abc")))
	conf.try("fraction", core.intcommand, "TIMEOUT", 1.5)
	conf.try("negative", function()
		return core.intcommand("TIMEOUT", -3) - before
	end)
	skynet.sleep(5)
end)
