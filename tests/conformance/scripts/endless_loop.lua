-- the monitor reports a message that does not end; the service may ask whether it was named
-- log: own
-- compare: repeats
-- limit: 40
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	conf.serve {
		loop = function()
			local n = 0
			while not skynet.endless() do
				n = n + 1
			end
			return "named", skynet.endless()
		end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	conf.out(skynet.call(p, "lua", "loop"))
end)
