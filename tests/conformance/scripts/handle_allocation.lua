-- handles: not reused, and chosen by the search that the reference describes
-- compare: -handles
-- log: no
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

if ... == "peer" then
	skynet.start(function() end)
	return
end

conf.run(function()
	local list = {}
	local function launch(n)
		local text = {}
		for i = 1, n do
			local addr = conf.peer "peer"
			list[#list + 1] = addr
			text[i] = string.format("%x", addr)
		end
		conf.out("launched", table.concat(text, " "))
	end
	conf.out("self", string.format("%x", skynet.self()))
	launch(4)
	skynet.kill(list[2])
	launch(3)
	skynet.kill(list[1])
	skynet.kill(list[3])
	skynet.kill(list[4])
	launch(8)
	for i = #list, #list - 5, -1 do
		skynet.kill(list[i])
	end
	launch(12)
end)
