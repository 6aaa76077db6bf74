-- A service for test_service_mgr: takes long enough to start to be looked at meanwhile.

local skynet = require "skynet"

skynet.start(function()
	skynet.sleep(20)
end)
