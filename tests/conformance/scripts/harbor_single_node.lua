-- skynet.harbor on a single node: names, links
-- log: no
local conf = require "conf"
local skynet = require "skynet"
local harbor = require "skynet.harbor"

conf.run(function()
	local self = skynet.self()
	conf.out("globalname", harbor.globalname("WANTED", self))
	conf.out("queryname", harbor.queryname "WANTED" == self)
	conf.out("link", harbor.link(2))
	conf.try("linkmaster", harbor.linkmaster)
	skynet.fork(harbor.connect, 2)
	skynet.yield()
	conf.out("link again", harbor.link(3))
	local me = {}
	skynet.fork(function()
		conf.out("waited for", harbor.queryname "LATER" == self)
		skynet.wakeup(me)
	end)
	skynet.yield()
	harbor.globalname "LATER"
	skynet.wait(me)
	conf.logged "Can't connect to other harbor in single node mode"
end)
