-- Names taken twice, and names of services that are gone.
local skynet = require "skynet"
require "skynet.manager"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")

if ... == "target" then
	skynet.start(function() end)
	return
end

kit.case("the first binding of a name stands", function()
	local a, b = skynet.newservice("names", "target"), skynet.newservice("names", "target")
	skynet.name(".taken", a)
	skynet.name(".taken", b)
	kit.equal(skynet.localname ".taken", a)
	skynet.kill(a)
	kit.equal(skynet.localname ".taken", nil)
	skynet.name(".taken", b)
	kit.equal(skynet.localname ".taken", b)
	skynet.kill(b)
end)

kit.case("a second launch of a unique service is the first", function()
	local a = skynet.uniqueservice("names", "target")
	kit.equal(skynet.uniqueservice("names", "target"), a)
end)

kit.run()
