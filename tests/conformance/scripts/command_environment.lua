-- commands GETENV, SETENV: the store of the node
-- log: own
-- config: conformance_key = 12
-- config: conformance_flag = true
-- config: conformance_float = 0.5
-- config: conformance_text = "a b  c"
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

conf.run(function()
	conf.out("from the config", core.command("GETENV", "conformance_key"))
	conf.out("boolean", core.command("GETENV", "conformance_flag"))
	conf.out("float", core.command("GETENV", "conformance_float"))
	conf.out("text", core.command("GETENV", "conformance_text"))
	conf.out("absent", core.command("GETENV", "conformance_none"))
	conf.out("SETENV", core.command("SETENV", "k1 some value"))
	conf.out("k1", core.command("GETENV", "k1"))
	conf.out("no blank", core.command("SETENV", "k2"))
	conf.out("k2", core.command("GETENV", "k2"))
	core.command("SETENV", "k3 ")
	conf.out("k3", conf.hex(core.command("GETENV", "k3")))
	skynet.setenv("k4", 12)
	conf.out("k4", skynet.getenv "k4")
	skynet.setenv("k5 x", "y")
	conf.out("k5", skynet.getenv "k5")
	conf.try("twice", skynet.setenv, "k4", 13)
	conf.out("thread", skynet.getenv "thread", "harbor", skynet.getenv "harbor")
	conf.out("standalone", skynet.getenv "standalone", "profile", skynet.getenv "profile")
	conf.out("bootstrap", skynet.getenv "bootstrap", "logservice", skynet.getenv "logservice")
end)
