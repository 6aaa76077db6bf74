-- The launcher's commands

local skynet = require "skynet"
require "skynet.manager"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

local role = ...

if role == "idle" then
	skynet.start(function() end)
	return
elseif role == "exits" then
	skynet.start(function() skynet.exit() end)
	return
elseif role == "fails" then
	skynet.start(function() error "expected in the log: the start function fails" end)
	return
elseif role == "fails_in_its_chunk" then
	error "expected in the log: the main chunk fails"
elseif role == "slow" then
	skynet.start(function() skynet.sleep(10) end)
	return
elseif role == "deaf" then
	skynet.start(function()
		skynet.register_protocol {
			name = "text",
			id = skynet.PTYPE_TEXT,
			pack = function(text) return text end,
		}
		skynet.dispatch("lua", function(_, _, text)
			skynet.send(".launcher", "text", text)
			skynet.ret()
		end)
	end)
	return
end

local function launcher(...)
	return skynet.call(".launcher", "lua", ...)
end

local function entry(handle)
	return launcher("LIST")[skynet.address(handle)]
end

kit.case("LIST names the services and their arguments", function()
	local handle = kit.peer("idle", 1, "two")
	kit.equal(entry(handle), "snlua " .. SERVICE_NAME .. " idle 1 two")
	kit.equal(launcher "list", launcher "LIST")
	for _, description in pairs(launcher "LIST") do
		kit.ok(description ~= "snlua launcher" and description ~= "snlua bootstrap", description)
	end
end)

kit.case("the services of the node itself are there", function()
	local names = {}
	for _, description in pairs(launcher "LIST") do
		names[description] = true
	end
	kit.ok(names["snlua cdummy"] and names["snlua datacenterd"] and names["snlua service_mgr"])
end)

kit.case("a service that exits in its start function is nil for newservice", function()
	kit.equal(table.pack(kit.peer "exits"), table.pack())
end)

kit.case("a service that fails to start fails newservice and is not listed", function()
	kit.raises("call failed", kit.peer, "fails")
	kit.raises("call failed", kit.peer, "fails_in_its_chunk")
	kit.raises("call failed", skynet.newservice, "test_nosuch")
	for _, description in pairs(launcher "LIST") do
		kit.ok(not string.find(description, "fails", 1, true), description)
	end
end)

kit.case("a module that cannot be launched fails the request", function()
	kit.raises("call failed", launcher, "LAUNCH", "test_nosuch_module")
end)

kit.case("arguments that are no text fail the request", function()
	kit.raises("call failed", skynet.newservice, SERVICE_NAME, true)
	kit.raises("call failed", skynet.newservice, SERVICE_NAME, {})
end)

kit.case("a slow start does not hold up another", function()
	local order, token = {}, {}
	skynet.fork(function()
		kit.peer "slow"
		order[#order + 1] = "slow"
		skynet.wakeup(token)
	end)
	skynet.yield()
	kit.peer "idle"
	order[#order + 1] = "idle"
	skynet.wait(token)
	kit.equal(order, { "idle", "slow" })
end)

kit.case("QUERY tells what a request is launching", function()
	local token = {}
	local co = skynet.fork(function()
		local handle = kit.peer "slow"
		skynet.wakeup(token)
		return handle
	end)
	local handle
	repeat
		skynet.yield()
		handle = launcher("QUERY", skynet.task(co))
	until handle
	kit.equal(entry(handle), "snlua " .. SERVICE_NAME .. " slow")
	skynet.wait(token)
	kit.equal(launcher("QUERY", 123456), nil)
end)

kit.case("KILL ends a service and names it", function()
	local handle = kit.peer "idle"
	kit.equal(launcher("KILL", handle), { [skynet.address(handle)] = "snlua " .. SERVICE_NAME .. " idle" })
	kit.equal(entry(handle), nil)
	kit.raises("call", skynet.call, handle, "debug", "PING")
end)

kit.case("STAT and MEM ask every service", function()
	local handle = kit.peer "idle"
	local stat = launcher("STAT", 1000)[skynet.address(handle)]
	kit.equal({ stat.task, stat.mqlen }, { 0, 0 })
	local mem = launcher("MEM", 1000)[skynet.address(handle)]
	kit.ok(string.match(mem, "^%d+%.%d%d Kb %(snlua test_launcher idle%)$"), mem)
	kit.equal(type(launcher("GC", 1000)[skynet.address(handle)]), "string")
end)

kit.case("a service that is gone or does not answer is marked so", function()
	local gone, stopped = kit.peer "idle", kit.peer "slow"
	-- Behind the launcher's back.
	require "skynet.core".command("KILL", skynet.address(gone))
	kit.equal(launcher("STAT", 1000)[skynet.address(gone)], "ERROR")
	kit.equal(launcher("MEM", 1000)[skynet.address(gone)], "ERROR (snlua test_launcher idle)")
	kit.equal(type(launcher("STAT")[skynet.address(stopped)]), "table")
	skynet.kill(gone)
end)

kit.case("a service that sends the text ERROR leaves the list", function()
	local handle = kit.peer "deaf"
	skynet.call(handle, "lua", "")
	kit.ok(entry(handle))
	skynet.call(handle, "lua", "ERROR")
	kit.equal(entry(handle), nil)
end)

kit.case("an unknown command is answered with a table", function()
	kit.equal(launcher "NOSUCH", { "Unknown command" })
	kit.raises("call failed", launcher)
end)

kit.run()
