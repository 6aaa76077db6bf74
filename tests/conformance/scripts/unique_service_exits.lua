-- uniqueservice of a service that exits in its start function: an error, and the next one launches again
-- log: no
local conf = require "conf"
local skynet = require "skynet"

if ... == nil then
	conf.run(function()
		conf.try("first", skynet.uniqueservice, "exits_in_start")
		conf.try("second", skynet.uniqueservice, "exits_in_start")
		conf.out("marks", skynet.getenv "exits_in_start_1", skynet.getenv "exits_in_start_2")
	end)
end
