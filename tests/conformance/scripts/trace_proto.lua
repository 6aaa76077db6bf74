-- traceproto: always, never, on demand
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd, flag)
			conf.out(cmd, type(skynet.tracetag()))
			if cmd == "set" then
				skynet.traceproto("lua", flag)
			elseif cmd == "trace" then
				skynet.trace()
				conf.out("after trace", type(skynet.tracetag()))
			elseif cmd == "boom" then
				error "traced error"
			end
			skynet.ret()
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	skynet.call(p, "lua", "plain")
	skynet.call(p, "lua", "set", true)
	skynet.call(p, "lua", "always")
	conf.try("boom", skynet.call, p, "lua", "boom")
	skynet.call(p, "lua", "set", false)
	skynet.call(p, "lua", "never")
	skynet.call(p, "lua", "trace")
	skynet.call(p, "lua", "set", nil)
	skynet.call(p, "lua", "on demand")
	conf.try("unknown", skynet.traceproto, "nosuch", true)
end)
