-- unknown requests and responses: the default reports, and handlers of one's own
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "install" then
				conf.out("previous", type(skynet.dispatch_unknown_request(function(session, source, msg, sz, proto)
					conf.out("request", session, skynet.address(source), skynet.tostring(msg, sz), proto)
				end)))
				conf.out("previous", type(skynet.dispatch_unknown_response(function(session, source, msg, sz)
					conf.out("response", session, skynet.address(source), skynet.tostring(msg, sz))
				end)))
			end
			skynet.ret()
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local function try()
		core.send(p, 99, 0, "unregistered")
		core.send(p, 7 + 4, 0, "snax without handler")
		core.send(p, 1, 12345, "an answer to nothing")
		conf.try("with session", function()
			skynet.register_protocol { name = "p" .. skynet.genid(), id = 150 + skynet.genid() % 50 }
		end)
		skynet.call(p, "lua", "flush")
	end
	try()
	skynet.call(p, "lua", "install")
	try()
	skynet.register_protocol { name = "odd", id = 98, pack = skynet.pack, unpack = skynet.unpack }
	conf.try("call of an unregistered type", skynet.call, p, "odd", 1)
end)
