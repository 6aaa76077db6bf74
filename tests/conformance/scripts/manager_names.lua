-- register and name: local ones are kept, global ones go through .cslave
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local harbor = require "skynet.harbor"
require "skynet.manager"

conf.run(function()
	local self = skynet.self()
	skynet.dispatch("lua", function(_, _, ...)
		conf.out("got", ...)
		skynet.ret(skynet.pack "answered")
	end)
	conf.out("register", skynet.register ".one")
	conf.out("name", skynet.name(".two", self))
	conf.out("taken", skynet.name(".one", 3), skynet.localname ".one" == self)
	conf.out("global", skynet.register "GLOBAL_ONE")
	conf.out("query", harbor.queryname "GLOBAL_ONE" == self, harbor.queryname ".one" == self)
	conf.out("unknown local", harbor.queryname ".nosuch")
	conf.out("call by name", skynet.call("GLOBAL_ONE", "lua", 1), skynet.call(".two", "lua", 2))
	conf.try("too long", skynet.register, "A_GLOBAL_NAME_TOO_LONG")
	conf.try("sixteen", skynet.register, "SIXTEEN_LETTERS_")
	conf.try("fifteen", skynet.register, "FIFTEEN_LETTERS")
	conf.try("numeric", skynet.register, "12")
	conf.try("colon", skynet.register, ":12")
	conf.out("the boot names", harbor.queryname "SERVICE" == skynet.localname ".service", type(harbor.queryname "DATACENTER"))
end)
