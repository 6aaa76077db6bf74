-- skynet.harbor in a single node

local skynet = require "skynet"
local harbor = require "skynet.harbor"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

kit.case("a global name is found by a later query", function()
	harbor.globalname "TEST_NAME"
	kit.equal(harbor.queryname "TEST_NAME", skynet.self())
	local launcher = skynet.localname ".launcher"
	harbor.globalname("TEST_OTHER", launcher)
	kit.equal(harbor.queryname "TEST_OTHER", launcher)
end)

kit.case("a query waits until the name is registered", function()
	local found, token = {}, {}
	for i = 1, 2 do
		skynet.fork(function()
			found[i] = harbor.queryname "TEST_LATE"
			if i == 2 then
				skynet.wakeup(token)
			end
		end)
	end
	skynet.yield()
	kit.equal(found, {})
	harbor.globalname "TEST_LATE"
	skynet.wait(token)
	kit.equal(found, { skynet.self(), skynet.self() })
end)

kit.case("a name registered twice keeps its first service", function()
	harbor.globalname("TEST_NAME", skynet.localname ".launcher")
	kit.equal(harbor.queryname "TEST_NAME", skynet.self())
end)

kit.case("messages to a name without a service are kept for it", function()
	skynet.dispatch("lua", function(_, _, text)
		skynet.retpack("got " .. text)
	end)
	local answer, token = nil, {}
	skynet.fork(function()
		answer = skynet.call("TEST_QUEUED", "lua", "early")
		skynet.wakeup(token)
	end)
	skynet.yield()
	harbor.globalname "TEST_QUEUED"
	skynet.wait(token)
	kit.equal(answer, "got early")
end)

kit.case("local names are answered at once", function()
	kit.equal(harbor.queryname ".launcher", skynet.localname ".launcher")
	kit.equal(harbor.queryname ".test_nosuch", nil)
end)

kit.case("there is no other node", function()
	harbor.link(2)
	kit.raises("call failed", harbor.linkmaster)
end)

kit.run()
