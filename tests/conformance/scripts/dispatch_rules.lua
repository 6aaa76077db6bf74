-- dispatch and register_protocol: what they return and refuse
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local function f() end
	conf.out("none", skynet.dispatch "lua")
	conf.out("set", skynet.dispatch("lua", f))
	conf.out("current", skynet.dispatch "lua" == f)
	conf.out("previous", skynet.dispatch("lua", print) == f)
	conf.try("unknown", skynet.dispatch, "nosuch")
	conf.try("unknown with function", skynet.dispatch, "nosuch", f)
	conf.try("new", skynet.register_protocol, { name = "mine", id = 100 })
	conf.try("name twice", skynet.register_protocol, { name = "mine", id = 101 })
	conf.try("id twice", skynet.register_protocol, { name = "other", id = 100 })
	conf.try("id too large", skynet.register_protocol, { name = "large", id = 256 })
	conf.try("negative id", skynet.register_protocol, { name = "negative", id = -1 })
	conf.try("id is text", skynet.register_protocol, { name = "text", id = "5" })
	conf.try("no name", skynet.register_protocol, { id = 50 })
	conf.try("255", skynet.register_protocol, { name = "last", id = 255 })
	conf.out("_proto", skynet._proto.mine == skynet._proto[100], skynet._proto.mine.id, skynet._proto.lua.id)
	conf.out("predefined", skynet._proto.response.id, skynet._proto.error.id, skynet._proto.debug.id)
end)
