-- Blocks while it loads, and has an init function.
local skynet = require "skynet"

local m = { name = ... }

skynet.init(function()
	skynet.sleep(1)
	m.ready = "initialised"
end)

skynet.sleep(1)

return m
