-- core.trace: lines with and without stack positions
-- log: no
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

-- The rule for trace lines hides the positions, so that they are read from the log here.
conf.run(function()
	core.trace("tag", "plain")
	core.trace("tag", "level", 1)
	core.trace("tag", "thread", (coroutine.running()))
	core.trace("tag", "far level", 100)
	core.trace("tag", "thread and level", coroutine.create(function() end), 0)
	conf.logged "thread and level"
	local f = io.open(skynet.getenv "logger")
	for line in f:lines() do
		local tag, clock, rest = line:match "<TRACE ([^>]*)> (%d+) (.*)$"
		if tag then
			local text, positions = rest:match "^(.-) : (.*)$"
			conf.out(tag, math.type(math.tointeger(clock)), text or rest, positions and positions:match "@%S*core_trace.lua:%d+")
		end
	end
	f:close()
end)
