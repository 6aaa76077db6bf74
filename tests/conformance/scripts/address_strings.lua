-- address strings: :hex, .name, and prefix parsing
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"

conf.run(function()
	local self = skynet.self()
	skynet.dispatch("lua", function(_, _, what)
		conf.out("got", what)
	end)
	core.command("REG", ".me")
	local function try(what, address)
		conf.try(what, skynet.send, address, "lua", what)
	end
	try("padded", string.format(":%08x", self))
	try("short", string.format(":%x", self))
	try("upper", string.format(":%X", self))
	try("trailing garbage", string.format(":%xzzz", self))
	try("name", ".me")
	try("no hex", ":zz")
	try("wrong name", ".ME")
	try("name with blank", ".me ")
	conf.out("address of number", skynet.address(10), skynet.address(0xffffffff))
	conf.out("address of string", skynet.address ".me", skynet.address ":a")
	conf.out("localname", skynet.localname ".me" == self, skynet.localname ".nosuch", skynet.localname "me")
	skynet.sleep(2)
end)
