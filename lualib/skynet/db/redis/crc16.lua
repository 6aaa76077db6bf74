-- CRC16-XMODEM: polynomial 0x1021, begins with 0. Redis Cluster places keys with it.

local POLYNOMIAL <const> = 0x1021

local crc_of_byte = {}
for byte = 0, 255 do
	local crc = byte << 8
	for _ = 1, 8 do
		crc = crc << 1
		if crc > 0xffff then
			crc = (crc & 0xffff) ~ POLYNOMIAL
		end
	end
	crc_of_byte[byte] = crc
end

--- The checksum of a string, 16 bits.
---@param text string
---@return integer
return function(text)
	local crc = 0
	for i = 1, #text do
		crc = (crc << 8 & 0xffff) ~ crc_of_byte[crc >> 8 ~ text:byte(i)]
	end
	return crc
end
