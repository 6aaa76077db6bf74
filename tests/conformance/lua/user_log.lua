-- A log service in Lua: notes in the environment what it saw.
local skynet = require "skynet"

skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	unpack = skynet.tostring,
	dispatch = function(_, address, text)
		if text == "a line" then
			skynet.setenv("user_log_first", skynet.address(address) .. " " .. text)
		elseif text == "end" and not skynet.getenv "user_log_saw_end" then
			skynet.setenv("user_log_saw_end", 1)
		end
	end,
}

skynet.start(function() end)
