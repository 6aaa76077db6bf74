-- select: requests that cannot be sent come first, in reverse order; unknown protocols raise
-- log: own
local conf = require "conf"
local skynet = require "skynet"

skynet.register_protocol { name = "nounpack", id = 60, pack = skynet.pack }

conf.run(function()
	local r = skynet.request()
	for i = 1, 4 do
		r { 0x700000 + i, "lua", "x", id = i }
	end
	for req, resp in r:select() do
		conf.out(req.id, resp)
	end
	conf.try("unknown protocol", function()
		for _ in skynet.request { skynet.self(), "nosuch" }:select() do
			conf.out "never"
		end
	end)
	conf.try("protocol without unpack", function()
		for _ in skynet.request { skynet.self(), "nounpack" }:select() do
			conf.out "never"
		end
	end)
end)
