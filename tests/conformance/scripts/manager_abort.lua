-- abort: the caller goes on to the end of its turn
-- log: no
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	conf.out "before"
	skynet.abort()
	conf.out("after", skynet.send(".launcher", "lua", "LIST"))
	skynet.fork(conf.out, "fork")
	setmetatable({}, { __gc = function() end })
end)
