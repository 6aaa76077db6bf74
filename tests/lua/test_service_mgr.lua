-- Unique services: skynet.uniqueservice, skynet.queryservice and service_mgr behind them

local skynet = require "skynet"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

-- Run f in a fork; returns a function that waits for { pcall results }.
local function later(f, ...)
	local outcome
	local token = {}
	local args = table.pack(...)
	skynet.fork(function()
		outcome = { pcall(f, table.unpack(args, 1, args.n)) }
		skynet.wakeup(token)
	end)
	return function()
		if not outcome then
			skynet.wait(token)
		end
		return outcome
	end
end

kit.case("a unique service exists once, whatever its arguments", function()
	local handle = skynet.uniqueservice("test_service_mgr_peer", "slow")
	kit.equal(skynet.uniqueservice("test_service_mgr_peer", "other"), handle)
	kit.equal(skynet.queryservice "test_service_mgr_peer", handle)
	kit.equal(skynet.call(handle, "lua"), "slow")
end)

kit.case("a network-wide one is another", function()
	local handle = skynet.uniqueservice(true, "test_service_mgr_peer", "global")
	kit.ok(handle ~= skynet.queryservice "test_service_mgr_peer")
	kit.equal(skynet.queryservice(true, "test_service_mgr_peer"), handle)
	kit.equal(skynet.call(handle, "lua"), "global")
end)

kit.case("concurrent requests launch once and a query waits for the launch", function()
	local query = later(skynet.queryservice, "test_service_mgr_peer2")
	skynet.yield()
	local one = later(skynet.uniqueservice, "test_service_mgr_peer2", "slow")
	local two = later(skynet.uniqueservice, "test_service_mgr_peer2", "slow")
	kit.equal(one()[1], true)
	kit.equal(one(), two())
	kit.equal(one(), query())
end)

kit.case("a failed launch is remembered with its text", function()
	kit.raises("call failed", skynet.uniqueservice, "test_service_mgr_nosuch")
	kit.raises("call failed", skynet.uniqueservice, "test_service_mgr_nosuch")
	kit.raises("service_mgr.lua", skynet.queryservice, "test_service_mgr_nosuch")
end)

kit.case("a service that exits in its start function is launched again", function()
	kit.raises("assertion failed!", skynet.uniqueservice, "test_service_mgr_exits")
	kit.equal(skynet.call(".service", "lua", "LIST").test_service_mgr_exits, nil)
	kit.raises("assertion failed!", skynet.uniqueservice, "test_service_mgr_exits")
end)

kit.case("LIST tells what is there, what failed and who waits", function()
	local handle = skynet.queryservice "test_service_mgr_peer"
	later(skynet.queryservice, "test_service_mgr_never")
	skynet.yield()
	local list = skynet.call(".service", "lua", "LIST")
	kit.equal(list.test_service_mgr_peer, skynet.address(handle))
	kit.equal(list["@test_service_mgr_peer"], skynet.address(skynet.queryservice(true, "test_service_mgr_peer")))
	kit.equal(string.sub(list.test_service_mgr_nosuch, 1, 7), "Error: ")
	kit.contains(list.test_service_mgr_never, "Querying:\n" .. skynet.address(skynet.self()) .. " stack traceback:")
end)

kit.case("LIST reports a launch in progress", function()
	local launch = later(skynet.uniqueservice, "test_service_mgr_slow")
	local report
	repeat
		report = skynet.call(".service", "lua", "LIST").test_service_mgr_slow
	until report and string.find(report, "^Init as :%x+\nstack traceback:")
	kit.contains(report, "\nLaunching from " .. skynet.address(skynet.self()) .. "\nstack traceback:")
	kit.equal(launch()[1], true)
end)

kit.case("an unknown command is answered with its name", function()
	kit.equal({ skynet.call(".service", "lua", "NOSUCH") }, { nil, "Invalid command NOSUCH" })
end)

kit.case("a second manager exits at once", function()
	kit.equal(table.pack(skynet.newservice "service_mgr"), table.pack())
end)

kit.run()
