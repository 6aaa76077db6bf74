-- an error without a value: the report says so
-- lua: 5.5
-- compare: msgsz
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	conf.serve {
		boom = function()
			error()
		end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	conf.try("error with nil", skynet.call, p, "lua", "boom")
	skynet.fork(error)
	skynet.yield()
end)
