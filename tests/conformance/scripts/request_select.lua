-- request/select: answers, failures and additional fields of the request objects
-- log: own
-- unordered: item
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	conf.serve {
		echo = function(...)
			return ...
		end,
		sleep = function(ti, ...)
			skynet.sleep(ti)
			return ...
		end,
		boom = function()
			error "boom"
		end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local r = skynet.request { p, "lua", "echo", "first", id = "one" }
	conf.out("returns itself", r:add { p, "lua", "echo", 1, nil, 3, nil, n = 7, id = "two" } == r)
	r { p, "lua", "boom", id = "three" }
	r { 0x7fffff, "lua", "x", id = "four" }
	r { ".nosuch", "lua", "x", id = "five" }
	for req, resp in r:select() do
		conf.out("item", req.id, resp)
	end
	conf.out("timeout", r.timeout)
	conf.try("select twice", r.select, r)
	conf.try("add after select", r.add, r, { p, "lua", "echo" })
	conf.try("not a table", skynet.request, 1)
	local order = skynet.request()
	for i, ti in ipairs { 30, 10, 20 } do
		order { p, "lua", "sleep", ti, ti, id = i }
	end
	for req, resp in order:select() do
		conf.out("arrives", req.id, resp[1])
	end
	local none = skynet.request()
	for _ in none:select(1000) do
		conf.out "never"
	end
	conf.out("empty", none.timeout)
end)
