-- pack: strings at the length boundaries, with zeros and invalid UTF-8
-- log: no
local conf = require "conf"
local core = require "skynet.core"

conf.run(function()
	for _, s in ipairs { "", "a", "a\0b", "\255\254\0", "h\xc3\xa4", ("x"):rep(31), ("y"):rep(32) } do
		conf.out(#s, conf.hex(core.packstring(s)), core.unpack(core.packstring(s)) == s)
	end
	for _, n in ipairs { 33, 255, 256, 65535, 65536, 100000 } do
		local s = core.packstring(("z"):rep(n))
		conf.out(n, #s, conf.hex(s:sub(1, 6)), #core.unpack(s))
	end
end)
