-- Opens the chat, and lets two guests in when the config wants it.

local skynet = require "skynet"
require "skynet.manager"	-- skynet.abort

skynet.start(function()
	local watchdog = skynet.newservice "watchdog"
	local address, port = skynet.call(watchdog, "lua", "start", {
		address = skynet.getenv "host",
		port = tonumber(skynet.getenv "port"),
		maxclient = tonumber(skynet.getenv "maxclient"),
		nodelay = true,
	})
	skynet.error(string.format("the chat is open at %s:%d", address, port))
	if skynet.getenv "guests" == "true" then
		skynet.fork(function()
			skynet.call(skynet.newservice "guests", "lua", "talk", address, port)
			skynet.sleep(10)	-- what the logger has not written when the node ends is lost
			skynet.abort()
		end)
	end
end)
