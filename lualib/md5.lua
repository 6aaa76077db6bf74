--- MD5: digests, HMAC and a stream cipher. The table of `md5.core`, extended.
---@class md5
---@field sum fun(s: string): string                                  16 raw bytes
---@field exor fun(a: string, b: string): string                      exclusive or; both must be equally long
---@field crypt fun(msg: string, key: string, seed?: string): string   cipher text; the key has 256 bytes at most, the seed 16
---@field decrypt fun(cipher: string, key: string): string            what crypt was given
local md5 = require "md5.core"

local BLOCK <const> = 64

local function hexa(s)
	return (s:gsub(".", function(c)
		return ("%02x"):format(c:byte())
	end))
end

--- The digest as 32 lower-case hexadecimal digits.
---@param s string
---@return string
function md5.sumhexa(s)
	return hexa(md5.sum(s))
end

--- HMAC-MD5 (RFC 2104) as 32 lower-case hexadecimal digits. The data comes first.
---@param data string
---@param key string
---@return string
function md5.hmacmd5(data, key)
	if #key > BLOCK then
		key = md5.sum(key)
	end
	key = key .. ("\0"):rep(BLOCK - #key)
	local inner = md5.exor(key, ("\x36"):rep(BLOCK))
	local outer = md5.exor(key, ("\x5c"):rep(BLOCK))
	return hexa(md5.sum(outer .. md5.sum(inner .. data)))
end

return md5
