-- memory: a warning at 32 MB and at every doubling, once each
-- compare: sizes
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, mega)
			-- Many small strings: what one large string takes while it is made depends on the version of Lua.
			local t = {}
			for i = 1, mega do
				t[i] = ("x"):rep(1024 * 1024 - 64) .. i
			end
			local n = #t
			t = nil
			collectgarbage()
			skynet.ret(skynet.pack(n, t))
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	conf.out(skynet.call(p, "lua", 1))
	conf.out(skynet.call(p, "lua", 40))
	conf.out(skynet.call(p, "lua", 40))
	conf.out(skynet.call(p, "lua", 70))
	conf.out(skynet.call(p, "lua", 40))
end)
