-- skynet.datacenter, with datacenterd behind it

local skynet = require "skynet"
local datacenter = require "skynet.datacenter"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

-- Wait for a path in a fork. Returns a function that waits for the outcome { ok, value }.
local function waiter(...)
	local outcome
	local token = {}
	local args = table.pack(...)
	skynet.fork(function()
		outcome = { pcall(datacenter.wait, table.unpack(args, 1, args.n)) }
		skynet.wakeup(token)
	end)
	return function()
		if not outcome then
			skynet.wait(token)
		end
		return outcome
	end
end

kit.case("a value is read back, and set returns the previous one", function()
	kit.equal(datacenter.get "a", nil)
	kit.equal(datacenter.set("a", 1), nil)
	kit.equal(datacenter.set("a", 2), 1)
	kit.equal(datacenter.get "a", 2)
	kit.equal(datacenter.set("a", nil), 2)
	kit.equal(datacenter.get "a", nil)
end)

kit.case("branches are made on the way and read as tables", function()
	datacenter.set("b", "c", "d", 1)
	datacenter.set("b", "e", 2)
	kit.equal(datacenter.get("b", "c", "d"), 1)
	kit.equal(datacenter.get "b", { c = { d = 1 }, e = 2 })
	kit.equal(datacenter.get("b", "nosuch", "d"), nil)
end)

kit.case("a nil key ends the path of get", function()
	kit.equal(datacenter.get("b", nil, "c"), { c = { d = 1 }, e = 2 })
	kit.equal(datacenter.get(), nil)
end)

kit.case("a path through a number fails", function()
	datacenter.set("n", 1)
	kit.raises("call failed", datacenter.get, "n", "x")
	kit.raises("call failed", datacenter.set, "n", "x", 1)
	kit.raises("call failed", datacenter.wait, "n", "x")
end)

kit.case("wait returns a value that is there, false too", function()
	datacenter.set("false", false)
	kit.equal(datacenter.wait "false", false)
end)

kit.case("wait blocks until the value is set", function()
	local one, two = waiter("w", "x"), waiter("w", "x")
	skynet.yield()
	datacenter.set("w", "other", 1)
	datacenter.set("w", "x", nil)
	datacenter.set("w", "x", "value")
	kit.equal(one(), { true, "value" })
	kit.equal(two(), { true, "value" })
end)

kit.case("a value and a branch cannot be waited for at one place", function()
	local one = waiter("v", "x")
	skynet.yield()
	kit.raises("call failed", datacenter.wait, "v")
	kit.raises("call failed", datacenter.wait, "v", "x", "y")
	datacenter.set("v", "x", 1)
	kit.equal(one(), { true, 1 })
end)

kit.case("a branch where a value was waited for fails those who wait", function()
	local one = waiter "place"
	skynet.yield()
	datacenter.set("place", "below", 1)
	kit.equal(one()[1], false)
	kit.equal(datacenter.get("place", "below"), 1)
end)

kit.case("an unknown command fails", function()
	kit.raises("call failed", skynet.call, "DATACENTER", "lua", "NOSUCH")
end)

kit.run()
