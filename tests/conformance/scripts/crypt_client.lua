-- client.crypt: the same functions under another name
-- log: no
local conf = require "conf"
local client = require "client.crypt"
local crypt = require "skynet.crypt"

conf.run(function()
	local names = {}
	for name in pairs(crypt) do
		names[#names + 1] = name
	end
	table.sort(names)
	for _, name in ipairs(names) do
		conf.out(name, type(client[name]))
	end
	conf.out(crypt.padding, client.padding)
	-- A whole login, each side with the module of its own.
	local challenge, ck, sk = "challeng", "clientky", "serverky"
	local csecret = client.dhsecret(crypt.dhexchange(sk), ck)
	local ssecret = crypt.dhsecret(client.dhexchange(ck), sk)
	conf.out("secret", conf.hex(csecret), csecret == ssecret)
	conf.out("hmac", conf.hex(client.hmac64(challenge, csecret)), crypt.hexencode(client.hmac64(challenge, csecret)))
	for _, padding in ipairs { client.padding.iso7816_4, client.padding.pkcs7 } do
		for n = 0, 9 do
			local token = client.desencode(csecret, ("t"):rep(n), padding)
			conf.out(n, client.base64encode(token), crypt.desdecode(ssecret, token, padding))
		end
	end
	conf.try("padding of the other", crypt.desdecode, ssecret, client.desencode(csecret, "x", 0), 1)
	conf.try("wrong key", crypt.desdecode, "8 bytes!", client.desencode(csecret, "a text of some length"))
end)
