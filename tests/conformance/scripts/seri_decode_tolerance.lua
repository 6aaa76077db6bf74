-- unpack: unusual encodings of ordinary values are understood
-- log: no
local conf = require "conf"
local core = require "skynet.core"

local streams = {
	"\8", "\248", "\17", "\249", "\18\1\0", "\34\1\0\0\0", "\50\1\0\0\0\0\0\0\0", "\21\1\0a", "\37\1\0\0\0a", "\254\2\0",
	"\254\10\1\10\7\0", "\254\34\1\0\0\0\10\7\0", "\254\50\1\0\0\0\0\0\0\0\10\7\0", "\254\34\255\255\255\255\0",
	"\6\12a\0\0", "\14\0\0",
}

conf.run(function()
	for _, s in ipairs(streams) do
		conf.try(conf.hex(s), core.unpack, s)
	end
end)
