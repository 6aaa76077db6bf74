-- md5: sums, exor, hmac, crypt
-- log: no
local conf = require "conf"
local md5 = require "md5"

conf.run(function()
	conf.out(conf.hex(md5.sum "abc"), md5.sumhexa "")
	for _, n in ipairs { 55, 56, 63, 64, 65, 119, 120, 1000 } do
		conf.out(n, md5.sumhexa(("x"):rep(n)))
	end
	conf.out(conf.hex(md5.exor("abc", "\1\2\3")))
	conf.try("lengths", md5.exor, "a", "bc")
	conf.out(md5.hmacmd5("what do ya want for nothing?", "Jefe"))
	local c = md5.crypt("hello world, this is a test", "key", "seed")
	conf.out(conf.hex(c))
	conf.out(md5.decrypt(c, "key"))
	conf.try("long key", md5.crypt, "x", ("k"):rep(257), "seed")
	conf.try("long seed", md5.crypt, "x", "key", ("s"):rep(17))
	conf.try("not crypted", md5.decrypt, "", "key")
end)
