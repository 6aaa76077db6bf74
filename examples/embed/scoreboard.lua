-- Scores by name.

local skynet = require "skynet"
require "skynet.manager"	-- skynet.register

local scores = {}
local command = {}

function command.add(name, points)
	scores[name] = (scores[name] or 0) + points
	return scores[name]
end

function command.get(name)
	return scores[name] or error("no such player: " .. name)
end

function command.all()
	return scores
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, cmd, ...)
		local f = command[cmd] or error("unknown command " .. tostring(cmd))
		skynet.retpack(f(...))
	end)
	skynet.register ".scoreboard"
end)
