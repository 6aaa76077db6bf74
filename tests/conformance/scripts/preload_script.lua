-- preload: a script that runs in every service before its main chunk
-- log: own
-- config: preload = HERE .. "/../lua/preload_me.lua"
local conf = require "conf"
local skynet = require "skynet"

conf.out("main chunk", PRELOADED.name, PRELOADED.words, PRELOADED.path ~= nil, LUA_PRELOAD)

if ... == "peer" then
	skynet.start(function() end)
	return
end

conf.run(function()
	conf.peer("peer", "two", "words")
	conf.out("require was the original", PRELOADED.require ~= require)
end)
