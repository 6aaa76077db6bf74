-- skynet.kill: handle, hex string, name and other texts
-- log: own
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

if ... == "peer" then
	skynet.start(function() end)
	return
end

conf.run(function()
	local function listed(addr)
		return skynet.call(".launcher", "lua", "LIST")[skynet.address(addr)]
	end
	local a, b, c = conf.peer "peer", conf.peer "peer", conf.peer "peer"
	skynet.name(".c", c)
	conf.out("listed", listed(a), listed(b), listed(c))
	conf.out("number", skynet.kill(a))
	conf.out("hex", skynet.kill(skynet.address(b)))
	conf.out("name", skynet.kill ".c")
	conf.try("text", skynet.kill, "something")
	conf.out("listed", listed(a), listed(b), listed(c))
	conf.out("alive", skynet.send(a, "lua"), skynet.send(b, "lua"), skynet.send(c, "lua"))
end)
