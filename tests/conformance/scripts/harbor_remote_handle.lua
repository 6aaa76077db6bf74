-- a message to another node from a single one: an error reply, and a log line of the harbor
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	conf.try("call", skynet.call, 0x02000005, "lua", "x")
	conf.try("send", skynet.send, 0x03000006, "lua", "four")
	conf.logged "Drop message to harbor 3"
	conf.out(skynet.harbor(0x02000005))
end)
