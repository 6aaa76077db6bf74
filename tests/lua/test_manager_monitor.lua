-- The monitor of test_manager: passes on the news of dead services.

local skynet = require "skynet"

local listener

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = function() end,
	dispatch = function(_, source)
		if listener then
			skynet.redirect(listener, source, "client", 0, "")
		end
	end,
}

skynet.start(function()
	skynet.dispatch("lua", function(_, _, cmd, address)
		assert(cmd == "tell")
		listener = address
		skynet.ret()
	end)
end)
