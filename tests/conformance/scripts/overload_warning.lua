-- a queue of more than 1024 messages is reported once
-- log: own
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

if ... == "peer" then
	local n = 0
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "block" then
				skynet.register ".blocking"
				while not skynet.getenv "conformance_full" do
				end
			elseif cmd == "count" then
				skynet.ret(skynet.pack(n))
			else
				n = n + 1
			end
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local me = {}
	skynet.send(p, "lua", "block")
	conf.await(function()
		return skynet.localname ".blocking"
	end)
	for i = 1, 1500 do
		skynet.send(p, "lua", i)
	end
	skynet.fork(function()
		conf.out(skynet.call(p, "lua", "count"))
		skynet.wakeup(me)
	end)
	skynet.fork(skynet.setenv, "conformance_full", 1)
	skynet.wait(me)
end)
