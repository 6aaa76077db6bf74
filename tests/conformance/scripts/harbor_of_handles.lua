-- core.harbor and skynet.harbor: node id and whether it is remote
-- log: no
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

conf.run(function()
	conf.out(core.harbor(skynet.self()))
	conf.out(core.harbor(0x0100000a))
	conf.out(core.harbor(0xff000001))
	conf.out(core.harbor(0))
	conf.out(skynet.harbor(0x02000000))
	conf.try("no argument", core.harbor)
	conf.try("text", core.harbor, "x")
end)
