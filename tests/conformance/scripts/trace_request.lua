-- trace: the tag goes with calls, every step is logged
-- log: own
local conf = require "conf"
local skynet = require "skynet"

local role, other = ...
if role == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			conf.out(cmd, type(skynet.tracetag()))
			if cmd == "outer" then
				skynet.sleep(1)
				skynet.ret(skynet.pack(skynet.call(tonumber(other), "lua", "inner")))
			else
				skynet.ret(skynet.pack "done")
			end
		end)
	end)
	return
end

conf.run(function()
	local inner = conf.peer "peer"
	local outer = conf.peer("peer", inner)
	conf.out("untraced", skynet.tracetag())
	skynet.trace "marked"
	conf.out("tag", (skynet.tracetag():gsub("^:%x+", ":handle")))
	conf.out(skynet.call(outer, "lua", "outer"))
	skynet.fork(function()
		conf.out("fork", skynet.tracetag())
	end)
	skynet.yield()
	skynet.trace()
	conf.out("second tag", (skynet.tracetag():gsub("^:%x+", ":handle")))
	skynet.tracelog(skynet.tracetag(), "own text")
end)
