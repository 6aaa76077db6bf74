-- A snax service for the tests: a counter, and methods that tell what they see.

local skynet = require "skynet"
local snax = require "skynet.snax"

SHARED = "a global of the source"

local count, step = 0, 1
local began

local function add(n)
	count = count + n
	return count
end

function init(...)
	began = table.pack(...)
	if ... == "fail" then
		error "init fails on purpose"
	elseif ... == "slow" then
		skynet.sleep(5)
	end
	return "is ignored"
end

function exit(...)
	local told, address = ...
	if told == "tell" then
		skynet.send(address, "lua", "exited", select(3, ...))
	elseif told == "fail" then
		error "exit fails on purpose"
	end
	return "is ignored"
end

function accept.add(n)
	add(n or step)
end

function accept.fail()
	error "accept fails on purpose"
end

function accept.quit(...)
	snax.exit(...)
end

function response.count()
	return count
end

function response.echo(...)
	return ...
end

function response.began()
	return table.unpack(began, 1, began.n)
end

function response.fail()
	error "response fails on purpose"
end

function response.sleep(ti)
	skynet.sleep(ti)
	return "slept"
end

function response.environment()
	return SERVICE_NAME, SERVICE_PATH, require "beside", SHARED, rawget(_G, "SHARED"), rawget(_G, "accept"), rawget(_G, "init")
end

function response.set(value)
	assigned = value
	return rawget(_G, "assigned")
end

function response.same(name)
	return tostring(snax.self()), snax.self().handle == skynet.self(), snax.self() == snax.bind(skynet.self(), name)
end

function response.enablecluster()
	snax.enablecluster()
end
