-- socket: descriptors of the system
-- log: no
local conf = require "conf"
local driver = require "skynet.socketdriver"
local socket = require "skynet.socket"

conf.run(function()
	-- stdin of the comparison is /dev/null, which cannot be polled.
	conf.out("stdin", socket.stdin())
	conf.out("closed one", socket.bind(987))
	conf.try("text", socket.bind, "x")
	conf.out("an id even so", math.type(driver.bind(987)))
end)
