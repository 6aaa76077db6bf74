--- msgpack for Lua values, and the `msgpack` protocol that services written in Python speak.
---
--- A payload is the concatenation of the encodings of its values. To use it between services:
---
---	local msgpack = require "msgpack"
---	skynet.register_protocol(msgpack.protocol)
---	skynet.dispatch("msgpack", function(session, source, cmd, ...)
---		skynet.ret(msgpack.pack(...))	-- or skynet.response(msgpack.pack)
---	end)
---	skynet.call(addr, "msgpack", "cmd", ...)
---
--- What becomes of what:
---  - a string that is valid UTF-8 is packed as str, any other as bin; both are unpacked as strings;
---  - a table whose keys are exactly 1..n is packed as an array, also the empty one; every other as a map. Metatables are ignored;
---  - an integer is packed in its narrowest form; an unsigned one above math.maxinteger is unpacked as a float;
---  - a nil in an array or a map is unpacked as no entry;
---  - an extension value is unpacked as msgpack.ext(type, data).

local math_type = math.type
local string_byte = string.byte
local string_char = string.char
local string_pack = string.pack
local string_sub = string.sub
local string_unpack = string.unpack
local table_concat = table.concat
local table_unpack = table.unpack
local utf8_len = utf8.len

local MAX_PACK_DEPTH = 32	-- as skynet.pack
local MAX_UNPACK_DEPTH = 200	-- as services written in Python have it

local msgpack = {}

---@class msgpack.ext
---@field type integer	-128..127
---@field data string
local ext_meta = { __name = "msgpack.ext" }

--- Make an extension value.
---@param type integer	-128..127
---@param data string
---@return msgpack.ext
function msgpack.ext(type, data)
	return setmetatable({ type = type, data = data }, ext_meta)
end

local function pack_integer(v)
	if v >= 0 then
		if v < 0x80 then
			return string_char(v)
		elseif v < 0x100 then
			return string_char(0xcc, v)
		elseif v < 0x10000 then
			return string_pack(">BI2", 0xcd, v)
		elseif v < 0x100000000 then
			return string_pack(">BI4", 0xce, v)
		end
		return string_pack(">BI8", 0xcf, v)
	elseif v >= -0x20 then
		return string_char(v & 0xff)
	elseif v >= -0x80 then
		return string_pack(">Bi1", 0xd0, v)
	elseif v >= -0x8000 then
		return string_pack(">Bi2", 0xd1, v)
	elseif v >= -0x80000000 then
		return string_pack(">Bi4", 0xd2, v)
	end
	return string_pack(">Bi8", 0xd3, v)
end

-- The head of something with a size: `fix` is the lead byte of the form that holds a size below `limit`, then come those
-- of 1, 2 and 4 bytes; nil where there is no such form.
local function pack_head(n, fix, limit, b1, b2, b4)
	if n < limit then
		return string_char(fix + n)
	elseif b1 and n < 0x100 then
		return string_char(b1, n)
	elseif n < 0x10000 then
		return string_pack(">BI2", b2, n)
	elseif n < 0x100000000 then
		return string_pack(">BI4", b4, n)
	end
	error "the value is too large for msgpack"
end

local function pack_string(v)
	if utf8_len(v) then
		return pack_head(#v, 0xa0, 32, 0xd9, 0xda, 0xdb) .. v
	end
	return pack_head(#v, 0xc4, 0, 0xc4, 0xc5, 0xc6) .. v
end

local fixext = { [1] = 0xd4, [2] = 0xd5, [4] = 0xd6, [8] = 0xd7, [16] = 0xd8 }

local function pack_ext(v)
	local n = #v.data
	local head = fixext[n] and string_char(fixext[n]) or pack_head(n, 0xc7, 0, 0xc7, 0xc8, 0xc9)
	return head .. string_pack("b", v.type) .. v.data
end

local pack_value

local function pack_table(buffer, t, depth)
	if getmetatable(t) == ext_meta then
		buffer[#buffer + 1] = pack_ext(t)
		return
	end
	local n = #t
	local count = 0
	local array = true
	for k in next, t do
		count = count + 1
		if array and (math_type(k) ~= "integer" or k < 1 or k > n) then
			array = false
		end
	end
	-- n keys, all of them in 1..n, leave no hole.
	if array and count == n then
		buffer[#buffer + 1] = pack_head(n, 0x90, 16, nil, 0xdc, 0xdd)
		for i = 1, n do
			pack_value(buffer, t[i], depth + 1)
		end
	else
		buffer[#buffer + 1] = pack_head(count, 0x80, 16, nil, 0xde, 0xdf)
		for k, v in next, t do
			pack_value(buffer, k, depth + 1)
			pack_value(buffer, v, depth + 1)
		end
	end
end

function pack_value(buffer, v, depth)
	local t = type(v)
	if depth > MAX_PACK_DEPTH then
		error "serialize can't pack too depth table"
	end
	if t == "table" then
		pack_table(buffer, v, depth)
	elseif t == "string" then
		buffer[#buffer + 1] = pack_string(v)
	elseif t == "number" then
		buffer[#buffer + 1] = math_type(v) == "integer" and pack_integer(v) or string_pack(">Bd", 0xcb, v)
	elseif t == "boolean" then
		buffer[#buffer + 1] = v and "\xc3" or "\xc2"
	elseif t == "nil" then
		buffer[#buffer + 1] = "\xc0"
	else
		error(string.format("Unsupport type %s to serialize", t))
	end
end

--- Pack values, as skynet.packstring does.
---@param ... nil|boolean|number|string|table
---@return string
--- Errors: "Unsupport type <type> to serialize"; "serialize can't pack too depth table" for more than 32 tables in each other,
--- cycles included.
function msgpack.pack(...)
	local buffer = {}
	for i = 1, select("#", ...) do
		pack_value(buffer, (select(i, ...)), 0)
	end
	return table_concat(buffer)
end

local function invalid(s, pos, reason)
	error(string.format("Invalid msgpack stream %d (%s)", #s - pos + 1, reason))
end

-- There are n bytes from pos on, or it is an error. Sizes are checked so before anything is made of them.
local function need(s, pos, n)
	if n > #s - pos + 1 then
		invalid(s, pos, "truncated value")
	end
end

local function read_number(s, pos, format, sz)
	need(s, pos, sz)
	return string_unpack(format, s, pos)
end

local function read_string(s, pos, n)
	need(s, pos, n)
	return string_sub(s, pos, pos + n - 1), pos + n
end

local function read_ext(s, pos, n)
	local type, data
	type, pos = read_number(s, pos, "b", 1)
	data, pos = read_string(s, pos, n)
	return msgpack.ext(type, data), pos
end

local read_value

local function read_array(s, pos, n, depth)
	local t = {}
	need(s, pos, n)
	for i = 1, n do
		t[i], pos = read_value(s, pos, depth + 1)
	end
	return t, pos
end

local function read_map(s, pos, n, depth)
	local t = {}
	local k, v
	need(s, pos, 2 * n)
	for _ = 1, n do
		k, pos = read_value(s, pos, depth + 1)
		v, pos = read_value(s, pos, depth + 1)
		if k == nil or k ~= k then
			invalid(s, pos, k == nil and "table index is nil" or "table index is NaN")
		end
		t[k] = v
	end
	return t, pos
end

-- Lead byte, from 0xc0 to 0xdf -> function(s, pos, depth) -> value, next position
local readers = {
	[0xc0] = function(_, pos) return nil, pos end,
	[0xc2] = function(_, pos) return false, pos end,
	[0xc3] = function(_, pos) return true, pos end,
	[0xca] = function(s, pos) return read_number(s, pos, ">f", 4) end,
	[0xcb] = function(s, pos) return read_number(s, pos, ">d", 8) end,
	[0xcc] = function(s, pos) return read_number(s, pos, "B", 1) end,
	[0xcd] = function(s, pos) return read_number(s, pos, ">I2", 2) end,
	[0xce] = function(s, pos) return read_number(s, pos, ">I4", 4) end,
	[0xcf] = function(s, pos)
		local v
		v, pos = read_number(s, pos, ">i8", 8)
		if v < 0 then
			-- Half of it, rounded to odd so that the conversion rounds as that of the whole would.
			v = (v >> 1 | v & 1) * 2.0
		end
		return v, pos
	end,
	[0xd0] = function(s, pos) return read_number(s, pos, "b", 1) end,
	[0xd1] = function(s, pos) return read_number(s, pos, ">i2", 2) end,
	[0xd2] = function(s, pos) return read_number(s, pos, ">i4", 4) end,
	[0xd3] = function(s, pos) return read_number(s, pos, ">i8", 8) end,
}

-- What starts with a size: lead bytes of the forms with 1, 2 and 4 bytes of size.
local function sized(read, b1, b2, b4)
	local function reader(lead, format, sz)
		if lead then
			readers[lead] = function(s, pos, depth)
				local n
				n, pos = read_number(s, pos, format, sz)
				return read(s, pos, n, depth)
			end
		end
	end
	reader(b1, "B", 1)
	reader(b2, ">I2", 2)
	reader(b4, ">I4", 4)
end

sized(read_string, 0xc4, 0xc5, 0xc6)
sized(read_string, 0xd9, 0xda, 0xdb)
sized(read_ext, 0xc7, 0xc8, 0xc9)
sized(read_array, nil, 0xdc, 0xdd)
sized(read_map, nil, 0xde, 0xdf)
for n, lead in pairs(fixext) do
	readers[lead] = function(s, pos)
		return read_ext(s, pos, n)
	end
end

function read_value(s, pos, depth)
	local lead = string_byte(s, pos)
	if not lead then
		invalid(s, pos, "truncated value")
	elseif depth > MAX_UNPACK_DEPTH then
		invalid(s, pos, "too many tables in each other")
	end
	pos = pos + 1
	if lead < 0x80 then
		return lead, pos
	elseif lead < 0x90 then
		return read_map(s, pos, lead & 0x0f, depth)
	elseif lead < 0xa0 then
		return read_array(s, pos, lead & 0x0f, depth)
	elseif lead < 0xc0 then
		return read_string(s, pos, lead & 0x1f)
	elseif lead >= 0xe0 then
		return lead - 0x100, pos
	end
	local reader = readers[lead]
	if not reader then
		invalid(s, pos, "unknown type")
	end
	return reader(s, pos, depth)
end

--- Unpack values, as skynet.unpack does.
---@param msg string|lightuserdata|nil	a string, or the payload of a message
---@param sz? integer	bytes, with a payload
---@return any ...
--- Errors: "Invalid msgpack stream <bytes left> (<reason>)".
function msgpack.unpack(msg, sz)
	if msg == nil then
		return
	end
	local s = msg
	if type(msg) ~= "string" then
		s = require "skynet.core".tostring(msg, sz)
	end
	local values = {}
	local n = 0
	local pos = 1
	while pos <= #s do
		n = n + 1
		values[n], pos = read_value(s, pos, 0)
	end
	return table_unpack(values, 1, n)
end

--- For skynet.register_protocol. Message type 20, as host/protocol.py has it.
msgpack.protocol = {
	name = "msgpack",
	id = 20,
	pack = msgpack.pack,
	unpack = msgpack.unpack,
}

return msgpack
