-- dbg: one launcher command, its result printed
-- log: no
-- unordered: :0
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	skynet.newservice("dbg", "LIST")
	io.stdout:flush()
	conf.out "done"
end)
