local skynet = require "skynet"

local m = { name = ... }

skynet.init(function()
	skynet.sleep(0)
	m.initialised = true
end)

return m
