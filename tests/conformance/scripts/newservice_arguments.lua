-- newservice: arguments are words
-- log: no
local conf = require "conf"
local skynet = require "skynet"

if ... == "words" then
	local n, words = select("#", ...), { ... }
	conf.serve {
		get = function()
			return n, table.concat(words, "|")
		end,
	}
	return
end

conf.run(function()
	local function words(...)
		conf.out(skynet.call(conf.peer("words", ...), "lua", "get"))
	end
	words()
	words("a", "b c", 1, 2.5)
	words("  padded  ", "tab\there")
	words('"quoted text"')
	conf.try("boolean", conf.peer, "words", true)
	conf.try("table", conf.peer, "words", {})
	conf.out("SERVICE_NAME", SERVICE_NAME)
end)
