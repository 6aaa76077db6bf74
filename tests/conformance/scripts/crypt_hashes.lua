-- skynet.crypt: hashes, keys, Diffie-Hellman
-- log: no
local conf = require "conf"
local crypt = require "skynet.crypt"

conf.run(function()
	local function try(name, ...)
		local ok, result = pcall(crypt[name], ...)
		conf.out(name, ok, ok and conf.hex(result) or conf.err(result))
	end
	local a, b = "\1\2\3\4\5\6\7\8", "\x11\x12\x13\x14\x15\x16\x17\x18"
	try("hashkey", "")
	try("hashkey", "hello")
	try("hashkey", "\255\254")
	try("hmac64", a, b)
	try("hmac64", b, a)
	try("hmac64_md5", a, b)
	try("hmac_hash", a, "hello")
	try("hmac64", "short", a)
	try("hmac64", a, "short")
	try("hmac_hash", "short", "x")
	try("dhexchange", a)
	try("dhexchange", b)
	try("dhexchange", ("\255"):rep(8))
	try("dhsecret", crypt.dhexchange(a), b)
	try("dhsecret", crypt.dhexchange(b), a)
	try("dhexchange", ("\0"):rep(8))
	try("dhexchange", "short")
	try("dhsecret", "short", a)
	try("dhsecret", a, ("\0"):rep(8))
	try("sha1", "abc")
	try("sha1", "")
	try("sha1", ("x"):rep(1000))
	try("hmac_sha1", "key", "The quick brown fox jumps over the lazy dog")
	try("hmac_sha1", ("k"):rep(80), "x")
	conf.out("randomkey", #crypt.randomkey(), crypt.randomkey() ~= crypt.randomkey())
end)
