-- Whatever test_require asks for: package.path leads every name that is found nowhere else here, and the name says
-- how to behave.

local skynet = require "skynet"

local name, filename = ...

local behaviour = {}

function behaviour.test_plain()
	return { name = name, filename = filename }
end

function behaviour.test_blocking()
	skynet.sleep(1)
	local loaded = { steps = { "chunk" } }
	skynet.init(function()
		skynet.sleep(1)
		loaded.steps[2] = "first init"
	end)
	skynet.init(function()
		loaded.steps[3] = "second init"
	end)
	return loaded
end

function behaviour.test_nil()
end

function behaviour.test_false()
	return false
end

function behaviour.test_sets_itself()
	package.loaded[name] = "set by the module"
end

function behaviour.test_failing()
	skynet.sleep(1)
	error "the module fails"
end

function behaviour.test_failing_init()
	skynet.init(function() error "the init fails" end)
	return true
end

function behaviour.test_outer()
	local steps = {}
	skynet.init(function() steps[#steps + 1] = "outer init" end)
	steps[#steps + 1] = require "test_inner"
	skynet.init(function() steps[#steps + 1] = "outer init again" end)
	return steps
end

function behaviour.test_inner()
	local value
	skynet.init(function() value = "inner init" end)
	return setmetatable({}, { __tostring = function() return value end })
end

function behaviour.test_cycle()
	return require "test_cycle_back"
end

function behaviour.test_cycle_back()
	return require "test_cycle"
end

function behaviour.test_hanging()
	skynet.wait(package.loaded.test_hanging_token)
	return "came back"
end

return behaviour[name]()
