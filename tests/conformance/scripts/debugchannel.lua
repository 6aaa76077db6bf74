-- skynet.debugchannel: two ends, first in first out
-- log: no
local conf = require "conf"
local channel = require "skynet.debugchannel"

conf.run(function()
	local a, pointer = channel.create()
	conf.out(type(a), type(pointer))
	local b = channel.connect(pointer)
	a:write "one"
	a:write "two"
	conf.out(b:read(0), b:read(0), select("#", b:read(0)))
	b:write "back"
	conf.out(a:read(0))
	conf.try("second end", channel.connect, pointer)
	local hits = 0
	channel.sethook(function()
		hits = hits + 1
	end, "l")
	local x = 1
	x = x + 1
	channel.sethook()
	conf.out("hook", hits > 0, x)
end)
