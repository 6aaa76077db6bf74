-- A service for test_service_mgr: exits in its start function.

local skynet = require "skynet"

skynet.start(function()
	skynet.exit()
end)
