-- skynet.service: a function as a unique service
-- compare: msgsz
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local service = require "skynet.service"
require "skynet.manager"

local function counter(start, step)
	local skynet = require "skynet"
	local n = start
	skynet.start(function()
		skynet.dispatch("lua", function()
			n = n + step
			skynet.ret(skynet.pack(n, SERVICE_NAME))
		end)
	end)
end

conf.run(function()
	local a = service.new("counter", counter, 10, 5)
	conf.out("called", skynet.call(a, "lua"))
	conf.out("same", service.new("counter", counter, 1, 1) == a, service.query "counter" == a)
	conf.out("called", skynet.call(a, "lua"))
	local upvalue = 1
	conf.try("two upvalues", service.new, "bad", function()
		print(upvalue)
	end)
	conf.try("no upvalue", service.new, "bad2", function() end)
	conf.try("failing", service.new, "fails", function()
		error "in the main function"
	end)
	conf.try("remembered", service.new, "fails", counter)
	conf.try("query of it", service.query, "fails")
	conf.out("close", service.close "counter", service.close "counter", service.close "never")
	conf.out("close a failed one", service.close "fails")
	conf.out("new again", skynet.call(service.new("counter", counter, 0, 1), "lua"))
end)
