-- Starts a debug console and what it is to look at; logs READY <handle of the target>. Config key console: its arguments.

local skynet = require "skynet"

skynet.start(function()
	skynet.newservice("debug_console", skynet.getenv "console")
	local target = skynet.newservice "console_target"
	skynet.uniqueservice("console_target", "unique")
	-- To the log, after the line of the console.
	skynet.error(string.format("READY %08x", target))
end)
