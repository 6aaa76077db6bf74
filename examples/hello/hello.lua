-- The first service: it starts another one, calls it, and ends the node from a timer.

local skynet = require "skynet"
require "skynet.manager"	-- skynet.abort

local TICK <const> = 50	-- 1/100 s
local TICKS <const> = 3

local function tick(n)
	skynet.error("tick", n)
	if n == TICKS then
		skynet.error "bye"
		skynet.sleep(10)	-- what the logger has not written when the node ends is lost
		skynet.abort()
	else
		skynet.timeout(TICK, function() tick(n + 1) end)
	end
end

skynet.start(function()
	skynet.error("hello, I am", skynet.address(skynet.self()))
	local ping = skynet.newservice("ping", "pong")
	for i = 1, 3 do
		skynet.error("ping", i, "is answered", skynet.call(ping, "lua", "ping", i))
	end
	skynet.timeout(TICK, function() tick(1) end)
end)
