-- skynet.netpack: frames over pieces of a stream
-- log: no
local conf = require "conf"
local core = require "skynet.core"
local driver = require "skynet.socketdriver"
local netpack = require "skynet.netpack"

conf.run(function()
	local function framed(...)
		local msg, sz = netpack.pack(...)
		local text = core.tostring(msg, sz)
		core.trash(msg, sz)
		return conf.hex(text)
	end
	conf.out(framed "hello", framed "", #framed(("x"):rep(65535)))
	conf.try("too long", netpack.pack, ("x"):rep(65536))
	local msg, sz = driver.str2p "pointer"
	conf.out(framed(msg, sz))
	conf.out("tostring", netpack.tostring(msg, sz))

	local function message(id, text)
		local p, n = driver.str2p(text)
		local raw = string.pack("<i4i4i4i4", 1, id, n, 0) .. core.packstring(p):sub(2)
		return driver.str2p(raw)
	end
	local queue
	local function feed(id, text)
		local m, n = message(id, text)
		local function show(q, kind, fd, data, size)
			queue = q
			if kind == "data" then
				conf.out(conf.hex(text), kind, fd, netpack.tostring(data, size))
			elseif kind == "more" then
				local list = {}
				for f, d, s in netpack.pop, queue do
					list[#list + 1] = f .. "=" .. netpack.tostring(d, s)
				end
				conf.out(conf.hex(text), kind, table.concat(list, " "))
			else
				conf.out(conf.hex(text), kind)
			end
		end
		show(netpack.filter(queue, m, n))
		core.trash(m, n)
	end
	feed(1, "\0")
	feed(1, "\3a")
	feed(1, "bc")
	feed(1, "\0\1A\0\2BC\0\0\0\1")
	feed(2, "\0\1x")
	feed(1, "D")
	feed(3, "\0\0")
	feed(3, "\0\5abcde\0\5fg")
	netpack.clear(queue)
	feed(3, "\0\1h")
end)
