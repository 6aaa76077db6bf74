-- skynet.codecache: modes, clear, loadfile
-- log: no
local conf = require "conf"
local skynet = require "skynet"
local cache = require "skynet.codecache"

conf.run(function()
	conf.out("skynet.cache", skynet.cache == cache)
	conf.out("mode", cache.mode())
	cache.mode "OFF"
	conf.out("mode", cache.mode())
	cache.mode "EXIST"
	conf.out("mode", cache.mode())
	conf.try("other", cache.mode, "nosuch")
	cache.mode "ON"
	conf.out("clear", select("#", cache.clear()))
	conf.out("loadfile", type(cache.loadfile))
end)
