-- skynet.launch: through the core, unknown to the launcher
-- log: own
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

if ... == "peer" then
	local words = table.concat({ ... }, "|")
	skynet.dispatch("lua", function()
		skynet.ret(skynet.pack(words))
	end)
	skynet.start(function() end)
	return
end

conf.run(function()
	local p = skynet.launch("snlua", SERVICE_NAME, "peer", 1, "x")
	conf.out(skynet.call(p, "lua"))
	conf.out("listed", skynet.call(".launcher", "lua", "LIST")[skynet.address(p)])
	conf.out("no module", select("#", skynet.launch "conformance_nosuch"))
end)
