-- Starts the login server and a game server, and the client when the config wants it.

local skynet = require "skynet"
require "skynet.manager"	-- skynet.abort

skynet.start(function()
	skynet.newservice "logind"
	local game = skynet.newservice "gamed"
	skynet.call(game, "lua", "open", {
		address = skynet.getenv "host",
		port = tonumber(skynet.getenv "game_port"),
		servername = "sample",
	})
	if skynet.getenv "client" == "true" then
		skynet.fork(function()
			skynet.call(skynet.newservice "client", "lua", "play")
			skynet.sleep(10)	-- what the logger has not written when the node ends is lost
			skynet.abort()
		end)
	end
end)
