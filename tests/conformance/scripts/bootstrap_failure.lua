-- a bootstrap module that does not exist: exit code 1
-- exit: 1
-- log: no
-- config: bootstrap = "conformance_nosuch x"
local skynet = require "skynet"

skynet.start(function()
	print "never"
end)
