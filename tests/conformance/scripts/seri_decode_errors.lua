-- unpack: truncated and malformed streams are refused, with the number of bytes left
-- log: no
local conf = require "conf"
local core = require "skynet.core"

local streams = {
	"\10", "\18\1", "\34\1\2\3", "\50\1\2\3\4\5\6\7", "\66\0", "\12", "\28a", "\21", "\21\5", "\21\5\0ab", "\37\1\0",
	"\14", "\14\1", "\6", "\6\12a", "\6\12a\1", "\7", "\15", "\255", "\26\1", "\42\0", "\29\0", "\254", "\254\12a",
	"\254\66\0\0\0\0\0\0\240\63", "\3\1\2",
}

conf.run(function()
	for _, s in ipairs(streams) do
		local ok, err = pcall(core.unpack, s)
		conf.out(conf.hex(s), ok, ok or (conf.err(err):gsub("line:%d+", "line")))
	end
	conf.try("NaN as key", core.unpack, "\6\66\0\0\0\0\0\0\248\127\10\1\0")
end)
