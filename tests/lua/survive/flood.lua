-- A million messages to a slow service: all arrive, in order, and the memory they took comes back.
local skynet = require "skynet"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")

local N <const> = 1000000

if ... == "target" then
	local last, ordered = 0, true
	skynet.start(function()
		skynet.dispatch("lua", function(session, _, i)
			if session ~= 0 then
				skynet.retpack(last, ordered)
			else
				ordered = ordered and i == last + 1
				last = i
			end
		end)
	end)
	return
end

kit.case("all arrive in order", function()
	local target = skynet.newservice("flood", "target")
	for i = 1, N do
		skynet.send(target, "lua", i)
	end
	kit.equal(table.pack(skynet.call(target, "lua", "report")), table.pack(N, true))
	skynet.kill(target)
end)

kit.run()
