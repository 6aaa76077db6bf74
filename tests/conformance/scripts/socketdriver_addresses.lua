-- skynet.socketdriver: addresses, and what is wrong with them
-- log: own
local conf = require "conf"
local driver = require "skynet.socketdriver"

conf.run(function()
	for _, name in ipairs { "connect", "listen", "udp_listen", "udp_dial" } do
		for _, addr in ipairs { "nowhere", "", ":", "host:", "host:x", "host:65536", "host:-1", "host:1x", "[::1", "[::1]", "[::1]x", "[::1]:" } do
			conf.try(name .. " " .. addr, driver[name], addr)
		end
	end
	conf.try("udp", driver.udp, "nowhere")
	conf.try("connect to port 0", driver.connect, "127.0.0.1", 0)
	conf.try("connect to port 0", driver.connect, "127.0.0.1:0")
	conf.try("connect without an address", driver.connect)
	conf.try("connect to a table", driver.connect, {}, 1)
	conf.try("port of text", driver.connect, "127.0.0.1", "x")
	conf.try("listen on what is not ours", driver.listen, "192.0.2.1", 0)
	conf.try("udp on what is not ours", driver.udp, "192.0.2.1", 1)
	conf.try("udp_listen on port 0", driver.udp_listen, "127.0.0.1", 0)
	conf.try("udp_connect of nobody", driver.udp_connect, 12345, "127.0.0.1", 1)
	conf.try("udp_dial without a name", driver.udp_dial, "not a name", 1)
	conf.try("udp_address", driver.udp_address, "")
	conf.try("udp_address", driver.udp_address, ("\1"):rep(8))
	conf.out("v4", driver.udp_address "\1\x87\x90\127\0\0\1")
	conf.out("v6", driver.udp_address("\2\0\80" .. ("\0"):rep(15) .. "\1"))
	conf.out("resolve v4", driver.resolve "127.0.0.1"[1])
	conf.out("resolve v6", driver.resolve "::1"[1])
	conf.try("resolve", driver.resolve, "not a name")
	conf.out("header", driver.header "\0", driver.header "\1\2", driver.header "\1\2\3", driver.header "\255\254\253\252")
	conf.try("header", driver.header, "12345")
	conf.out("listen", math.type(driver.listen "127.0.0.1:0"), math.type(driver.listen("127.0.0.1", 0, 5)))
	conf.try("start of text", driver.start, "x")
	conf.out("start of nobody", select("#", driver.start(54321)), select("#", driver.close(54321)), select("#", driver.nodelay(54321)))
end)
