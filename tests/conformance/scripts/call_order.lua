-- messages of one sender arrive in order, answers of a call come between
-- log: no
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	local seen = {}
	conf.serve {
		add = function(x)
			seen[#seen + 1] = x
		end,
		get = function()
			return table.concat(seen, " ")
		end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	for i = 1, 20 do
		skynet.send(p, "lua", "add", i)
		if i % 5 == 0 then
			conf.out(skynet.call(p, "lua", "get"))
		end
	end
	for i = 1, 5 do
		skynet.fork(function()
			skynet.call(p, "lua", "add", "fork" .. i)
		end)
	end
	skynet.yield()
	conf.out(skynet.call(p, "lua", "get"))
end)
