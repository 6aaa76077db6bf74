-- filter: every message may be changed before it is dispatched
-- log: own
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

if ... == "filtered" then
	local seen = {}
	skynet.register_protocol {
		name = "text",
		id = skynet.PTYPE_TEXT,
		unpack = skynet.tostring,
		pack = function(s)
			return s
		end,
	}
	skynet.filter(function(type, msg, sz, session, source)
		seen[#seen + 1] = type
		return type, msg, sz, session, source
	end, function()
		skynet.dispatch("lua", function()
			skynet.sleep(0)
			skynet.ret(skynet.pack(table.concat(seen, " ")))
		end)
		skynet.dispatch("text", function(_, _, text)
			conf.out("text", text)
		end)
	end)
	return
end

skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	pack = function(s)
		return s
	end,
}

conf.run(function()
	local p = conf.peer "filtered"
	skynet.send(p, "text", "hello")
	conf.out(skynet.call(p, "lua"))
	conf.out(skynet.call(p, "lua"))
end)
