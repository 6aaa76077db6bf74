-- A monitor service: "wait" answers the list of those that have left, when there are n of them.
local skynet = require "skynet"

local gone = {}
local waiting

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = function() end,
	dispatch = function(_, source)
		gone[#gone + 1] = source
		if waiting and #gone >= waiting.n then
			waiting.response(true, gone)
			waiting = nil
		end
	end,
}

skynet.start(function()
	skynet.dispatch("lua", function(_, _, _, n)
		if #gone >= n then
			skynet.ret(skynet.pack(gone))
		else
			waiting = { n = n, response = skynet.response() }
		end
	end)
end)
