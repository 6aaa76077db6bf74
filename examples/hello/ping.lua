-- Answers `ping` with the word it was started with.

local skynet = require "skynet"

local word = ...
local command = {}

function command.ping(n)
	return word, n
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, cmd, ...)
		skynet.retpack(command[cmd](...))
	end)
end)
