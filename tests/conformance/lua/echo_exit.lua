-- A service that does nothing but start.
local skynet = require "skynet"

skynet.start(function() end)
