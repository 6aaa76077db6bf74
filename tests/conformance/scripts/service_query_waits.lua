-- skynet.service.query: waits for somebody to launch it
-- log: no
local conf = require "conf"
local skynet = require "skynet"
local service = require "skynet.service"

conf.run(function()
	local me = {}
	skynet.fork(function()
		local addr = service.query "awaited"
		conf.out("queried", skynet.call(addr, "lua", 1))
		skynet.wakeup(me)
	end)
	skynet.sleep(5)
	conf.out "launching"
	service.new("awaited", function()
		local skynet = require "skynet"
		skynet.start(function()
			skynet.dispatch("lua", function(_, _, ...)
				skynet.ret(skynet.pack("got", ...))
			end)
		end)
	end)
	skynet.wait(me)
end)
