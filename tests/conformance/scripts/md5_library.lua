-- md5: what the module says of itself, and both ways to it
-- log: no
local conf = require "conf"
local core = require "md5.core"
local md5 = require "md5"

conf.run(function()
	conf.out("one table", core == md5)
	conf.out(md5._VERSION, md5._DESCRIPTION)
	conf.out(core.sum == md5.sum, md5.sumhexa "", md5.sumhexa(("a"):rep(64)), md5.sumhexa(("a"):rep(119)))
	conf.out(md5.hmacmd5("data", ""), md5.hmacmd5("", "key"), md5.hmacmd5("data", ("k"):rep(200)))
	for n = 0, 33, 11 do
		local secret = md5.crypt(("x"):rep(n), "key", "")
		conf.out(n, conf.hex(secret), #md5.decrypt(secret, "key"))
	end
	local one = md5.crypt("text", "key")
	conf.out("seed of its own", one:byte(1), #one, md5.decrypt(one, "key"), md5.decrypt(one, "other") == "text")
end)
