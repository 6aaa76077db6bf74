-- skynet.socketdriver: buffers of received blocks
-- log: no
local conf = require "conf"
local driver = require "skynet.socketdriver"

conf.run(function()
	local buffer, pool = driver.buffer(), {}
	local function push(text)
		return driver.push(buffer, pool, driver.str2p(text))
	end
	conf.out("push", push "hello ", push "world\n", push "second line\r\nrest")
	conf.out("pop", driver.pop(buffer, pool, 3))
	conf.out("too many", driver.pop(buffer, pool, 1000))
	conf.out("none", driver.pop(buffer, pool, 0))
	conf.out("test", driver.readline(buffer, nil, "\n"))
	conf.out("readline", driver.readline(buffer, pool, "\n"))
	conf.out("readline", driver.readline(buffer, pool, "\r\n"))
	conf.out("no line", select("#", driver.readline(buffer, pool, "\n")))
	conf.out("readall", driver.readall(buffer, pool))
	conf.out("empty", #driver.readall(buffer, pool))
	push "across"
	push " bl"
	push "ocks\n"
	conf.out("across", driver.readline(buffer, pool, "ks\n"))
	push "dropped"
	driver.clear(buffer, pool)
	conf.out("cleared", #driver.readall(buffer, pool))
	driver.clear(nil, pool)
	driver.drop(driver.str2p "x")
	conf.try("no buffer", driver.push, 1, pool, driver.str2p "x")
	conf.try("no buffer", driver.pop, nil, pool, 1)
	conf.out("header", driver.header "\1", driver.header "\255\255\255\255")
	conf.try("header", driver.header, "")
end)
