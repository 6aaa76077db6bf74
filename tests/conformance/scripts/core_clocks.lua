-- now, starttime, time, hpc: kinds, and how they go together
-- log: no
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

conf.run(function()
	conf.out("now", math.type(skynet.now()), math.type(core.now()))
	conf.out("starttime", math.type(skynet.starttime()), math.abs(skynet.starttime() - os.time()) < 60)
	conf.out("time", math.type(skynet.time()))
	conf.out("time is now and start", math.abs(skynet.time() - skynet.starttime() - skynet.now() / 100) < 1)
	conf.out("hpc", math.type(skynet.hpc()))
	local n, h = skynet.now(), skynet.hpc()
	skynet.sleep(10)
	local dn, dh = skynet.now() - n, (skynet.hpc() - h) / 1e7
	conf.out("slept", dn >= 9, dh >= 8, math.abs(dn - dh) < 10)
	conf.out("wall clock", math.abs(skynet.time() - os.time()) < 3)
end)
