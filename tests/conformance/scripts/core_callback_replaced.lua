-- core.callback: the new callback counts from the next message on; errors are reported and survived
-- log: own
local conf = require "conf"
local core = require "skynet.core"

if ... == "raw" then
	local function second(_, msg, sz, session, source)
		conf.out("second", core.unpack(msg, sz))
		core.send(source, 1, session, core.packstring "from second")
	end
	core.callback(function(_, msg, sz, session, source)
		core.callback(second)
		conf.out("first", core.unpack(msg, sz))
		core.send(source, 1, session, core.packstring "from first")
		error "first fails"
	end)
	core.send(".launcher", 10, 0, core.packstring "LAUNCHOK")
	return
end

local skynet = require "skynet"

conf.run(function()
	local p = conf.bare_peer "raw"
	conf.out(skynet.call(p, "lua", 1))
	conf.out(skynet.call(p, "lua", 2))
end)
