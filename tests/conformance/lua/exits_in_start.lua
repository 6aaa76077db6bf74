-- Leaves a mark in the environment and exits in its start function.
local skynet = require "skynet"

skynet.start(function()
	skynet.setenv(skynet.getenv "exits_in_start_1" and "exits_in_start_2" or "exits_in_start_1", "was here")
	skynet.exit()
end)
