-- skynet.manager

local skynet = require "skynet"
local manager = require "skynet.manager"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

local role, argument = ...

if role == "idle" then
	skynet.start(function() end)
	return
elseif role == "slow" then
	-- Never finishes its start function.
	skynet.start(function() skynet.wait {} end)
	return
elseif role == "echo" then
	kit.serve { echo = function(...) return SERVICE_NAME, ... end }
	return
elseif role == "forward" then
	-- Passes on every lua request to the service in its argument.
	local target = tonumber(argument)
	skynet.register_protocol {
		name = "system",
		id = skynet.PTYPE_SYSTEM,
		unpack = function(...) return ... end,
	}
	skynet.forward_type({ [skynet.PTYPE_LUA] = skynet.PTYPE_SYSTEM }, function()
		skynet.dispatch("system", function(session, source, msg, sz)
			skynet.ignoreret()
			skynet.redirect(target, source, "lua", session, msg, sz)
		end)
	end)
	return
elseif role == "filter" then
	-- Answers on protocol lua what was sent as snax.
	skynet.filter(function(type, msg, sz, session, source)
		if type == skynet.PTYPE_SNAX then
			type = skynet.PTYPE_LUA
		end
		return type, msg, sz, session, source
	end, function()
		skynet.dispatch("lua", function(_, _, ...)
			skynet.retpack("filtered", ...)
		end)
	end)
	return
end

local function is_listed(handle)
	return skynet.call(".launcher", "lua", "LIST")[skynet.address(handle)] ~= nil
end

kit.case("the module is the skynet table", function()
	kit.ok(manager == skynet)
	for _, name in ipairs { "launch", "kill", "abort", "register", "name", "forward_type", "filter", "monitor" } do
		kit.equal(type(skynet[name]), "function", name)
	end
end)

kit.case("launch bypasses the launcher", function()
	local handle = skynet.launch("snlua", SERVICE_NAME, "idle")
	kit.equal(skynet.call(handle, "debug", "PING"), nil)
	kit.equal(is_listed(handle), false)
	skynet.kill(handle)
end)

kit.case("launch of an unknown module returns nothing", function()
	kit.equal(select("#", skynet.launch "test_nosuch"), 0)
end)

kit.case("kill takes a handle or its text and the launcher forgets the service", function()
	for _, form in ipairs { function(handle) return handle end, skynet.address } do
		local handle = kit.peer "idle"
		kit.equal(is_listed(handle), true)
		skynet.kill(form(handle))
		kit.equal(is_listed(handle), false)
		kit.raises("call", skynet.call, handle, "debug", "PING")
	end
end)

kit.case("kill by a local name ends the service", function()
	local handle = kit.peer "idle"
	skynet.name(".test_victim", handle)
	skynet.kill ".test_victim"
	kit.raises("call", skynet.call, handle, "debug", "PING")
	kit.equal(skynet.localname ".test_victim", nil)
end)

kit.case("a service killed in its start function fails newservice", function()
	local token, ok = {}, nil
	skynet.fork(function()
		ok = pcall(kit.peer, "slow")
		skynet.wakeup(token)
	end)
	local handle
	repeat
		skynet.yield()
		for address, text in pairs(skynet.call(".launcher", "lua", "LIST")) do
			if text == "snlua " .. SERVICE_NAME .. " slow" then
				handle = tonumber(address:sub(2), 16)
			end
		end
	until handle
	skynet.kill(handle)
	skynet.wait(token)
	kit.equal(ok, false)
end)

kit.case("a local name is bound once", function()
	skynet.register ".test_me"
	skynet.name(".test_me", skynet.localname ".launcher")
	kit.equal(skynet.localname ".test_me", skynet.self())
	skynet.name(".test_launcher", skynet.localname ".launcher")
	kit.equal(skynet.localname ".test_launcher", skynet.localname ".launcher")
end)

kit.case("a global name can be called", function()
	local echo = kit.peer "echo"
	skynet.name("TEST_ECHO", echo)
	kit.equal({ skynet.call("TEST_ECHO", "lua", "echo", 1) }, { SERVICE_NAME, 1 })
	skynet.register "TEST_SELF"
	kit.equal(require "skynet.harbor".queryname "TEST_SELF", skynet.self())
end)

kit.case("a bad global name is refused", function()
	for _, name in ipairs { "12", ":12", "sixteen_letters_" } do
		kit.raises("assertion failed!", skynet.register, name)
		kit.raises("assertion failed!", skynet.name, name, skynet.self())
	end
end)

kit.case("forwarded requests are answered by the target", function()
	local echo = kit.peer "echo"
	local forward = kit.peer("forward", echo)
	for i = 1, 10 do
		kit.equal({ skynet.call(forward, "lua", "echo", i, "text") }, { SERVICE_NAME, i, "text" })
	end
	kit.equal(skynet.call(forward, "debug", "PING"), nil)
end)

kit.case("a filter rewrites messages before they are dispatched", function()
	local filter = kit.peer "filter"
	skynet.register_protocol { name = "snax", id = skynet.PTYPE_SNAX, pack = skynet.pack, unpack = skynet.unpack }
	kit.equal({ skynet.call(filter, "snax", 1, 2) }, { "filtered", 1, 2 })
end)

kit.case("the monitor hears of services that end", function()
	local token, died = {}, {}
	skynet.register_protocol {
		name = "client",
		id = skynet.PTYPE_CLIENT,
		unpack = function() end,
		dispatch = function(_, source)
			died[source] = true
			skynet.wakeup(token)
		end,
	}
	local monitor = skynet.monitor "test_manager_monitor"
	skynet.call(monitor, "lua", "tell", skynet.self())
	local victim = kit.peer "idle"
	skynet.kill(victim)
	repeat
		skynet.wait(token)
	until died[victim]
	kit.equal(skynet.monitor("test_manager_monitor", true), monitor)
end)

kit.run()
