-- A service for test_service_mgr: answers with its first argument, which "slow" also makes it start slowly.

local skynet = require "skynet"

local name = ...

skynet.start(function()
	if name == "slow" then
		skynet.sleep(3)
	end
	skynet.dispatch("lua", function()
		skynet.retpack(name)
	end)
end)
