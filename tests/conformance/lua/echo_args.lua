-- Answers "args" with the words it was launched with.
local conf = require "conf"

local words = { ... }

conf.serve {
	args = function()
		return table.unpack(words)
	end,
}
