-- exit inside the start function; the dead address afterwards
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	local guard = setmetatable({}, { __gc = function()
		skynet.error "collected"
	end })
	skynet.start(function()
		skynet.exit(guard)
	end)
	return
end

conf.run(function()
	local r = table.pack(conf.peer "peer")
	conf.out("values", r.n, r[1])
	conf.logged "collected"
	conf.try("call", skynet.call, 10, "lua")
	conf.try("send", skynet.send, 10, "lua")
end)
