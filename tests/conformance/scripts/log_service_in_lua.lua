-- logservice = snlua: a Lua service writes the log
-- log: no
-- config: logservice = "snlua"
-- config: logger = "user_log"
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"

skynet.start(function()
	skynet.fork(function()
		skynet.error "a line"
		skynet.error("two\nlines", 1)
		conf.await(function()
			return skynet.getenv "user_log_saw_end" or skynet.error "end"
		end)
		conf.out("source", skynet.getenv "user_log_first")
		core.command "ABORT"
	end)
end)
