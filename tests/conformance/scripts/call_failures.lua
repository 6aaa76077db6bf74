-- call: the kinds of failure that the caller sees
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	conf.serve {
		boom = function()
			error "boom"
		end,
		boom_table = function()
			error { code = 1 }
		end,
		nested = function(addr)
			return skynet.call(addr, "lua", "boom")
		end,
		exit = function()
			skynet.exit()
		end,
		alive = function()
			return "alive"
		end,
	}
	return
end

conf.run(function()
	local p, q = conf.peer "peer", conf.peer "peer"
	conf.try("error", skynet.call, p, "lua", "boom")
	conf.try("error with a table", skynet.call, p, "lua", "boom_table")
	conf.try("nested", skynet.call, q, "lua", "nested", p)
	conf.try("unknown command", skynet.call, p, "lua", "nosuch")
	conf.try("still", skynet.call, p, "lua", "alive")
	conf.try("no such handle", skynet.call, 0x7fffff, "lua", "x")
	conf.try("no such name", skynet.call, ".nosuch", "lua", "x")
	conf.try("unknown protocol", skynet.call, p, "nosuch", "x")
	conf.try("no dispatch", skynet.call, skynet.self(), "lua", "x")
	conf.try("nil address", skynet.call, nil, "lua", "x")
	conf.try("unpackable", skynet.call, p, "lua", print)
	conf.try("exit", skynet.call, p, "lua", "exit")
	-- The failure is told before the handle is retired.
	conf.await(function()
		return not skynet.send(p, "lua", "alive")
	end)
	conf.try("after exit", skynet.call, p, "lua", "alive")
end)
