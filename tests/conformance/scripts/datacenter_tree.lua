-- datacenter: get, set, wait over paths
-- log: no
local conf = require "conf"
local skynet = require "skynet"
local datacenter = require "skynet.datacenter"

conf.run(function()
	conf.out("get of nothing", datacenter.get "a", datacenter.get("a", "b"))
	conf.out("set", datacenter.set("a", "b", 1))
	conf.out("previous", datacenter.set("a", "b", 2))
	conf.out("get", datacenter.get("a", "b"), datacenter.get "a", datacenter.get "nothing")
	conf.out("branch", datacenter.set("a", "c", "d", "deep"), datacenter.get "a")
	conf.out("delete", datacenter.set("a", "b", nil), datacenter.get("a", "b"))
	conf.try("through a scalar", datacenter.get, "a", "c", "d", "e")
	conf.try("set through a scalar", datacenter.set, "a", "c", "d", "e", 1)
	conf.out("false", datacenter.set("flag", false), datacenter.get "flag", datacenter.wait "flag")
	local me, left = {}, 2
	for i = 1, 2 do
		skynet.fork(function()
			conf.out("waited", i, datacenter.wait("x", "y"))
			left = left - 1
			if left == 0 then
				skynet.wakeup(me)
			end
		end)
	end
	skynet.fork(function()
		conf.try("wait on a branch", datacenter.wait, "x")
	end)
	skynet.yield()
	conf.out("set", datacenter.set("x", "y", "value"))
	if left > 0 then
		skynet.wait(me)
	end
	conf.out("at once", datacenter.wait("x", "y"))
end)
