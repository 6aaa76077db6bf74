-- command STAT with profile off: no time in the current message, no cpu
-- log: no
-- config: profile = false
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

conf.run(function()
	conf.out("profile", skynet.getenv "profile")
	conf.out("time", core.command("STAT", "time"))
	conf.out("cpu", core.command("STAT", "cpu"))
	conf.out("intcommand", core.intcommand("STAT", "time"), core.intcommand("STAT", "cpu"))
	conf.out("message", core.intcommand("STAT", "message") > 0)
end)
