-- response: TEST, true, false, twice, own pack, and for a send
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "ok" then
				local r = skynet.response()
				conf.out("TEST", r "TEST")
				conf.try("ret after response", skynet.ret)
				conf.try("second response", skynet.response)
				conf.out("answer", r(true, "a", nil, 3))
				conf.try("TEST after", r, "TEST")
				conf.try("twice", r, true, "b")
			elseif cmd == "fail" then
				conf.out("false", skynet.response()(false))
			elseif cmd == "nil" then
				conf.out("nil", skynet.response()(nil))
			elseif cmd == "pack" then
				local r = skynet.response(function(...)
					return skynet.packstring("own", ...)
				end)
				conf.out("own pack", r(true, 1))
			elseif cmd == "badpack" then
				local r = skynet.response()
				conf.try("cannot be packed", r, true, print)
				conf.try("usable still", r, true, "second try")
			elseif cmd == "send" then
				local r = skynet.response()
				conf.out("of a send", select("#", r "TEST"), select("#", r(true)), select("#", r(true)))
			elseif cmd == "later" then
				local r = skynet.response()
				skynet.timeout(2, function()
					r(true, "later")
				end)
			end
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	for _, cmd in ipairs { "ok", "fail", "nil", "pack", "badpack", "later" } do
		conf.try(cmd, skynet.call, p, "lua", cmd)
	end
	skynet.send(p, "lua", "send")
	conf.try("flush", skynet.call, p, "lua", "ok")
	conf.try("outside a request", skynet.response)
end)
