-- skynet.memory without accounting: zeros, empty tables, and a log line per control call
-- log: own
local conf = require "conf"
local memory = require "skynet.memory"

conf.run(function()
	conf.out("total", math.type(memory.total()), "block", math.type(memory.block()))
	conf.out("current", math.type(memory.current()), "info", type(memory.info()))
end)
