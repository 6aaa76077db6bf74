-- An empty service that service_provider fills with a function.

local skynet = require "skynet"

local function init(code, ...)
	local start_function
	-- The function may call skynet.start, but this service has started already.
	function skynet.start(f)
		start_function = f
	end
	-- In case the function sets no dispatch; it also means that init comes once.
	skynet.dispatch("lua", function()
		error "No dispatch function"
	end)
	assert(load(code))(...)
	if start_function then
		start_function()
	end
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, cmd, ...)
		assert(cmd == "init", cmd)
		init(...)
		skynet.ret()
	end)
end)
