-- term: pending calls to an address fail, by number only, and the request is forgotten
-- log: own
local conf = require "conf"
local skynet = require "skynet"
require "skynet.manager"

if ... == "peer" then
	skynet.start(function()
		skynet.register ".hanging"
		skynet.dispatch("lua", function() end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local results = {}
	for i, address in ipairs { p, ".hanging", skynet.address(p), p } do
		skynet.fork(function()
			local ok, err = pcall(skynet.call, address, "lua", "x")
			results[i] = ok or conf.err(err)
		end)
	end
	skynet.yield()
	skynet.term(p)
	skynet.yield()
	conf.out(results)
end)
