-- skynet.service, with service_provider and service_cell behind it

local skynet = require "skynet"
local service = require "skynet.service"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

if ... == "peer" then
	kit.serve {
		query = function(name) return service.query(name) end,
	}
	return
end

-- Answers with its start-up arguments; "slow" as the first one delays the start.
local function echo_service(...)
	local skynet = require "skynet"
	local args = table.pack(...)
	skynet.start(function()
		if args[1] == "slow" then
			skynet.sleep(5)
		end
		skynet.dispatch("lua", function()
			skynet.retpack(SERVICE_NAME, table.unpack(args, 1, args.n))
		end)
	end)
end

local function failing_service()
	error "expected in the log: a service fails to start"
end

kit.case("a function runs as a service with its arguments", function()
	local handle = service.new("echo", echo_service, 1, "two", { 3 })
	kit.equal({ skynet.call(handle, "lua") }, { "service_cell", 1, "two", { 3 } })
end)

kit.case("a name has one service, the function of later ones is ignored", function()
	kit.equal(service.new("echo", failing_service), service.query "echo")
end)

kit.case("the provider tells about its services", function()
	local info = skynet.call(skynet.uniqueservice "service_provider", "debug", "INFO")
	local entry = info[skynet.address(service.query "echo")]
	kit.equal(entry.name, "echo")
	kit.contains(entry.init, "1,two,table: ")
	kit.ok(string.match(entry.time, "^%d%d%d%d %a%a%a %d%d %d%d:%d%d:%d%d [+-]%d%d%d%d$"), entry.time)
	kit.equal(entry.status, nil)
end)

kit.case("requests made while it boots wait for it", function()
	local handles, left, token = {}, 3, {}
	local function collect(f)
		skynet.fork(function()
			local handle = f()
			handles[#handles + 1] = handle
			left = left - 1
			if left == 0 then
				skynet.wakeup(token)
			end
		end)
	end
	collect(function() return service.query "slow" end)
	collect(function() return service.new("slow", echo_service, "slow") end)
	collect(function() return service.new("slow", echo_service, "slow") end)
	skynet.wait(token)
	kit.ok(handles[1] and handles[1] == handles[2] and handles[2] == handles[3])
end)

kit.case("another service finds it", function()
	kit.equal(skynet.call(kit.peer "peer", "lua", "query", "echo"), service.query "echo")
end)

kit.case("a failed start is remembered until it is closed", function()
	kit.raises("call failed", service.new, "failing", failing_service)
	kit.raises("call failed", service.new, "failing", echo_service)
	kit.raises("call failed", service.query, "failing")
	kit.equal(service.close "failing", false)
	kit.equal({ skynet.call(service.new("failing", echo_service, "now"), "lua") }, { "service_cell", "now" })
end)

kit.case("a closed service is gone and may be started again", function()
	local first = service.new("closed", echo_service, "first")
	kit.equal(service.close "closed", true)
	kit.equal(service.close "closed", false)
	kit.raises("call", skynet.call, first, "lua")
	kit.equal({ skynet.call(service.new("closed", echo_service, "second"), "lua") }, { "service_cell", "second" })
end)

kit.case("only globals may be upvalues of the function", function()
	local upvalue
	kit.raises("assertion failed!", service.new, "upvalues", function() print(upvalue) end)
	kit.raises("assertion failed!", service.new, "upvalues", function() end)
end)

kit.case("a function that sets no dispatch leaves one that says so", function()
	local handle = service.new("mute", function() require "skynet" end)
	kit.raises("", skynet.call, handle, "lua", "anything")
end)

kit.run()
