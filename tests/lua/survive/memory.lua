-- A service that reaches its memory limit: its caller gets an error, others are not touched.
local skynet = require "skynet"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")

if ... == "target" then
	skynet.memlimit(2 * 1024 * 1024)
	local kept = {}
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "caught" then
				local ok, err = pcall(string.rep, "x", 1 << 24)
				skynet.retpack(ok, err)
			else
				while true do
					kept[#kept + 1] = { #kept }
				end
			end
		end)
	end)
	return
end

kit.case("an error that is caught leaves the service as it was", function()
	local target = skynet.newservice("memory", "target")
	kit.equal(table.pack(skynet.call(target, "lua", "caught")), table.pack(false, "not enough memory"))
	kit.equal(table.pack(skynet.call(target, "lua", "caught")), table.pack(false, "not enough memory"))
	skynet.kill(target)
end)

kit.case("the caller of a request that takes all memory gets an error", function()
	local target = skynet.newservice("memory", "target")
	kit.raises("call failed", skynet.call, target, "lua", "fill")
	skynet.kill(target)
end)

kit.run()
