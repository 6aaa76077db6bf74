-- skynet.profile: resume and wrap behave as those of Lua
-- log: no
local conf = require "conf"
local profile = require "skynet.profile"

conf.run(function()
	local co = coroutine.create(function(...)
		conf.out("in", ...)
		conf.out("again", coroutine.yield("out", nil, 3))
		error("fails", 0)
	end)
	conf.out(profile.resume(co, 1, nil))
	conf.out(profile.resume(co, "x"))
	conf.out(profile.resume(co))
	conf.out(coroutine.status(co))
	local w = profile.wrap(function(a)
		a = coroutine.yield(a + 1)
		error("wrapped " .. a, 0)
	end)
	conf.out(w(1))
	conf.try("wrap", w, 2)
	conf.try("resume of nothing", profile.resume)
	conf.out(profile.resume(coroutine.create(function(...)
		return select("#", ...)
	end), nil, nil, nil))
	local self = coroutine.running()
	conf.out("self", profile.resume(self))
end)
