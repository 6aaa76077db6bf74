-- Ten thousand services are started, called and killed; their memory returns.
local skynet = require "skynet"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")

local N <const> = tonumber(skynet.getenv "many" or "10000")

if ... == "target" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, i) skynet.retpack(i) end)
	end)
	return
end

local function rss_kb()
	for line in io.lines "/proc/self/status" do
		local kb = line:match "^VmRSS:%s+(%d+)"
		if kb then
			return tonumber(kb)
		end
	end
end

kit.case("services come and go", function()
	local before = rss_kb()
	local list = {}
	for i = 1, N do
		list[i] = skynet.newservice("many", "target")
	end
	local peak = rss_kb()
	for i = 1, N do
		if skynet.call(list[i], "lua", i) ~= i then
			kit.ok(false, "answer of " .. i)
		end
	end
	for i = 1, N do
		skynet.kill(list[i])
	end
	while #skynet.call(".launcher", "lua", "LIST") > 100 do
		skynet.sleep(1)
	end
	collectgarbage()
	-- What the allocator holds is given back by the monitor, which looks every five seconds.
	local after
	for _ = 1, 200 do
		after = rss_kb()
		if after - before < (peak - before) / 4 then
			break
		end
		skynet.sleep(10)
	end
	kit.ok(after - before < (peak - before) / 4, string.format("memory: %d %d %d KB", before, peak, after))
end)

kit.run()
