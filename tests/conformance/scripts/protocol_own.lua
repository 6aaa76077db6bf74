-- a protocol of one's own: pack, unpack and dispatch with several values
-- log: own
local conf = require "conf"
local skynet = require "skynet"

skynet.register_protocol {
	name = "words",
	id = 20,
	pack = function(...)
		return table.concat({ ... }, ",")
	end,
	unpack = function(msg, sz)
		local list = {}
		for word in skynet.tostring(msg, sz):gmatch "[^,]+" do
			list[#list + 1] = word
		end
		return table.unpack(list)
	end,
}

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("words", function(session, _, ...)
			conf.out("words", session ~= 0, ...)
			if session ~= 0 then
				skynet.ret "back,again"
			end
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	conf.out(skynet.send(p, "words", "a", "b"))
	conf.out(skynet.call(p, "words", "c", 1, 2))
	conf.try("no lua there", skynet.call, p, "lua", 1)
end)
