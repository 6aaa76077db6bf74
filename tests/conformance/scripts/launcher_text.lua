-- launcher: confirmation by the TEXT protocol, and texts that it does not know
-- log: no
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"

local role = ...
if role == "ok" then
	core.send(".launcher", 0, 0, "")
	return
elseif role == "error" then
	core.send(".launcher", 0, 0, "ERROR")
	return
end

conf.run(function()
	local p = conf.bare_peer "ok"
	conf.out("launched", type(p))
	conf.try("error", conf.bare_peer, "error")
	local list = skynet.call(".launcher", "lua", "LIST")
	conf.out("listed", list[skynet.address(p)], list[skynet.address(p + 1)])
	core.send(".launcher", 0, 0, "nonsense")
	conf.out("launcher goes on", type(skynet.call(".launcher", "lua", "LIST")))
end)
