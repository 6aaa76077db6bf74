-- Launches the Python module `tally`, talks to it in the text protocol, and signals it.

local skynet = require "skynet"
local core = require "skynet.core"
require "skynet.manager"

skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	pack = function(text) return text end,
	unpack = skynet.tostring,
}

skynet.start(function()
	local tally = skynet.launch("tally", ".tally")
	for _, word in ipairs { "ping", "pong", "ping" } do
		skynet.error(word, skynet.call(".tally", "text", word))
	end
	core.command("SIGNAL", skynet.address(tally) .. " 1")
	skynet.error("ping", skynet.call(".tally", "text", "ping"))
	skynet.error("a second one:", skynet.launch("tally", ".tally"))
	skynet.sleep(10)	-- what the logger has not written when the node ends is lost
	skynet.abort()
end)
