-- skynet.profile: CPU time of a coroutine, errors of start and stop
-- log: no
local conf = require "conf"
local skynet = require "skynet"
local profile = require "skynet.profile"

local function burn()
	local x = 0
	for i = 1, 2000000 do
		x = x + i % 7
	end
	return x
end

conf.run(function()
	conf.out("replaced", coroutine.resume == profile.resume, coroutine.wrap == profile.wrap)
	conf.out("start", select("#", profile.start()))
	conf.try("twice", function()
		local ok, err = pcall(profile.start)
		return ok, (conf.err(err):gsub("0x%x+", "pointer"))
	end)
	burn()
	local t = profile.stop()
	conf.out("stop", math.type(t), t > 0, t < 10)
	conf.try("not started", profile.stop)
	profile.start()
	skynet.sleep(20)
	conf.out("sleep does not count", profile.stop() < 0.15)
	local co = coroutine.create(function()
		burn()
		coroutine.yield()
		burn()
	end)
	profile.start(co)
	coroutine.resume(co)
	local spent = profile.stop(co)
	conf.out("of a coroutine", spent > 0)
	conf.try("no thread", profile.start, 1)
	conf.try("no thread", profile.stop, "x")
end)
