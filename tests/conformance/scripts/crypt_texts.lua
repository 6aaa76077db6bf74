-- skynet.crypt: DES, hex, base64, xor
-- log: no
local conf = require "conf"
local crypt = require "skynet.crypt"

conf.run(function()
	local function try(name, ...)
		local ok, result = pcall(crypt[name], ...)
		conf.out(name, ok, ok and conf.hex(result) or conf.err(result))
	end
	local key = "12345678"
	for _, padding in ipairs { crypt.padding.iso7816_4, crypt.padding.pkcs7 } do
		for _, text in ipairs { "", "hello", "ABCDEFGH", ("long text "):rep(5) } do
			try("desencode", key, text, padding)
			conf.out(crypt.desdecode(key, crypt.desencode(key, text, padding), padding) == text)
		end
	end
	try("desencode", "short", "x")
	try("desencode", key, "x", 7)
	try("desdecode", key, "")
	try("desdecode", key, "seven..")
	try("desdecode", key, "garbage!")
	conf.out(crypt.hexencode "\0\1\254\255", conf.hex(crypt.hexdecode "0001feff"))
	try("hexdecode", "abc")
	try("hexdecode", "AB")
	for _, text in ipairs { "", "a", "ab", "abc", "\255\254\253" } do
		local e = crypt.base64encode(text)
		conf.out(e, crypt.base64decode(e) == text)
	end
	for _, text in ipairs { "YQ", "YWI", "YQ==YWI=", "YW\nJj", "YQ==\n", "Y", "YR==", "!!!!" } do
		try("base64decode", text)
	end
	try("xor_str", "hello", "\1\2")
	try("xor_str", "", "x")
	try("xor_str", "x", "")
end)
