-- call: results, none, nils, many; send returns 0
-- log: own
local skynet = require "skynet"
local conf = require "conf"

if ... == "peer" then
	conf.serve {
		echo = function(...)
			return ...
		end,
		none = function() end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	conf.out("echo", skynet.call(p, "lua", "echo", 1, nil, "x", nil))
	conf.out("count", select("#", skynet.call(p, "lua", "echo", 1, nil, "x", nil)))
	conf.out("none", select("#", skynet.call(p, "lua", "none")))
	conf.out("table", skynet.call(p, "lua", "echo", { a = 1, 2, 3, { b = false } }))
	conf.out("send", skynet.send(p, "lua", "echo", 1))
	conf.try("boom", skynet.call, p, "lua", "nosuch")
	conf.out("handle", p, skynet.address(p))
end)
