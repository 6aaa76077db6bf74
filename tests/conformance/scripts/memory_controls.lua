-- skynet.memory: controls of an allocator that is not there
-- log: own
-- compare: sizes
local conf = require "conf"
local memory = require "skynet.memory"

conf.run(function()
	conf.try("dump", memory.dump)
	conf.try("dumpinfo", memory.dumpinfo)
	conf.try("dumpinfo", memory.dumpinfo, "a")
	conf.try("jestat", memory.jestat)
	conf.try("mallctl", memory.mallctl, "stats.allocated")
	conf.try("mallctl without a name", memory.mallctl)
	conf.try("dumpheap", memory.dumpheap)
	conf.try("profactive", memory.profactive)
	conf.try("profactive", memory.profactive, true)
	conf.try("profactive", memory.profactive, false)
end)
