-- What the HTTP server and client share: headers, bodies, and the client's side of an exchange.
--
-- An interface is { read = f(n?) -> bytes, write = f(data), readall = f() -> bytes }; its functions throw when the connection
-- is gone. Header tables have lower-case names; a name that is repeated has an array. What has two readings (two lengths,
-- a length and chunks, blanks around a name, bare line ends) is malformed: two programs that read it differently are how
-- requests are smuggled.

local concat <const> = table.concat

local HEADER_MAX <const> = 8192	-- bytes of a header, and of the trailers
local CHUNK_LINE_MAX <const> = 128	-- bytes of the line with a chunk's size
local JOIN_MAX <const> = 65536	-- content up to this size is sent in one piece with the header

local internal = {}

-- Fields that decide where a message ends or who it is for; in trailers they would come too late.
local not_in_trailer = {
	["content-length"] = true,
	["transfer-encoding"] = true,
	host = true,
}

--- Read a header up to its blank line.
---@param read fun(n: integer?): string
---@param lines string[]    the lines are appended
---@param prefix string?    bytes that were read already
---@return string? rest    the bytes after the blank line; nil: more than 8192 bytes
function internal.recvheader(read, lines, prefix)
	local data = prefix or ""
	local from = 1
	while true do
		if data:byte(1) == 13 and data:byte(2) == 10 then
			return data:sub(3)
		end
		local stop = data:find("\r\n\r\n", from, true)
		if (stop or #data) > HEADER_MAX then
			return nil
		end
		if stop then
			local start = 1
			while start <= stop do
				local last = data:find("\r\n", start, true)
				lines[#lines + 1] = data:sub(start, last - 1)
				start = last + 2
			end
			return data:sub(stop + 4)
		end
		-- The blank line may have begun already.
		from = #data > 3 and #data - 2 or 1
		data = data .. read()
	end
end

local function append(header, name, value)
	local before = header[name]
	if before == nil then
		header[name] = value
	elseif type(before) == "table" then
		before[#before + 1] = value
	else
		header[name] = { before, value }
	end
end

local function continue(header, name, text)
	local value = header[name]
	if type(value) == "table" then
		value[#value] = value[#value] .. text
	else
		header[name] = value .. text
	end
end

--- Read header lines.
---@param lines string[]
---@param from integer    the first of them
---@param header table    the fields are added
---@return table? header    nil: malformed
function internal.parseheader(lines, from, header)
	local name
	for i = from, #lines do
		local line = lines[i]
		if line:find("[\0\r\n]") then
			return nil
		end
		if line:byte(1) == 9 then
			if name == nil then
				return nil
			end
			continue(header, name, line:sub(2))
		else
			local value
			name, value = line:match("^([%w!#$%%&'*+%-.^_`|~]+):[ \t]*(.*)$")
			if name == nil then
				return nil
			end
			local last = value:byte(-1)
			if last == 32 or last == 9 then
				value = value:match("^(.*[^ \t])") or ""
			end
			name = name:lower()
			append(header, name, value)
		end
	end
	return header
end

--- The length that a header states.
---@return integer? length    nil: none
---@return boolean? malformed
function internal.contentlength(header)
	local text = header["content-length"]
	if text == nil then
		return nil
	end
	-- 15 digits: what is longer would not be exact as a float, nor fit any memory.
	if type(text) ~= "string" or #text > 15 or not text:find("^%d+$") then
		return nil, true
	end
	return math.tointeger(tonumber(text))
end

-- Chunks

-- A reader of chunks: next() -> data of the next chunk ("" for the last) | nil when malformed, rest() -> bytes not used.
local function chunk_reader(read, data)
	local pos = 1	-- of the next byte in data
	data = data or ""

	local function size_line()
		local from = pos
		while true do
			local stop = data:find("\r\n", from, true)
			if (stop or #data + 1) - pos > CHUNK_LINE_MAX then
				return nil
			end
			if stop then
				local line = data:sub(pos, stop - 1)
				pos = stop + 2
				return line
			end
			data = data:sub(pos) .. read()
			pos = 1
			from = 1
		end
	end

	local reader = {}

	function reader.next(limit)
		local line = size_line()
		if line == nil or #line > 12 or not line:find("^%x+$") then
			return nil
		end
		local size = tonumber(line, 16)
		if size == 0 then
			return ""
		end
		if limit and size > limit then
			return nil
		end
		local missing = size + 2 - (#data - pos + 1)
		if missing > 0 then
			data = data:sub(pos) .. read(missing)
			pos = 1
		end
		local after = pos + size
		if data:byte(after) ~= 13 or data:byte(after + 1) ~= 10 then
			return nil
		end
		local chunk = data:sub(pos, after - 1)
		pos = after + 2
		return chunk
	end

	function reader.rest()
		return data:sub(pos)
	end

	return reader
end

-- Read what follows the last chunk; false: malformed.
local function read_trailers(read, reader, header)
	local lines = {}
	if internal.recvheader(read, lines, reader.rest()) == nil then
		return false
	end
	local trailers = internal.parseheader(lines, 1, {})
	if trailers == nil then
		return false
	end
	for name, value in pairs(trailers) do
		if not_in_trailer[name] then
			goto continue
		end
		for _, v in ipairs(type(value) == "table" and value or { value }) do
			append(header, name, v)
		end
		::continue::
	end
	return true
end

--- Read a chunked body.
---@param read fun(n: integer?): string
---@param limit integer?    bytes
---@param header table    trailers are added
---@param prefix string?    bytes that were read already
---@return string? body    nil: malformed, or over the limit
---@return table? header
function internal.recvchunkedbody(read, limit, header, prefix)
	local reader = chunk_reader(read, prefix)
	local parts = {}
	local size = 0
	while true do
		local chunk = reader.next(limit and limit - size)
		if chunk == nil then
			return nil
		end
		if chunk == "" then
			break
		end
		size = size + #chunk
		parts[#parts + 1] = chunk
	end
	if not read_trailers(read, reader, header) then
		return nil
	end
	return concat(parts), header
end

-- The client's side

local function check_text(text)
	if text:find("[\0\r\n]") then
		error(string.format("Invalid HTTP request: line break in %q", text))
	end
	return text
end

-- Host is added to the caller's table, unless it is there in any case. The length is ours to state.
local function header_lines(lines, header, host)
	local has_host = false
	for name in pairs(header) do
		has_host = has_host or name:lower() == "host"
	end
	if not has_host then
		header.Host = host
	end
	for name, value in pairs(header) do
		if name:lower() ~= "content-length" then
			for _, v in ipairs(type(value) == "table" and value or { value }) do
				lines[#lines + 1] = check_text(string.format("%s:%s", name, v))
			end
		end
	end
end

--- Read a request up to the blank line behind its header.
---@param read fun(n: integer?): string
---@return integer? status    413: more than 8192 bytes
---@return string method
---@return string url
---@return number version
---@return string[] lines    those of the header begin with the second
---@return string rest    the bytes after the blank line
--- Errors: "Invalid HTTP request line", what read throws.
function internal.recvrequest(read)
	local lines = {}
	local rest = internal.recvheader(read, lines, "")
	if rest == nil then
		return 413
	end
	local method, url, version = (lines[1] or ""):match "^(%a+) ([^%c ]+) HTTP/(%d+%.%d+)$"
	if method == nil then
		error "Invalid HTTP request line"
	end
	return nil, method, url, tonumber(version), lines, rest
end

--- Send a request and read the header of its response.
---@param interface table
---@param method string
---@param host string    for the Host field
---@param url string
---@param recvheader table?    gets the fields of the response
---@param header table?    fields to send; gets Host when it has none
---@param content string?
---@return integer status
---@return string prefix    bytes after the header
---@return table header    of the response
--- Errors: "Recv header failed", "Invalid HTTP response header", "assertion failed!" for a malformed status line, what the
--- interface throws.
function internal.request(interface, method, host, url, recvheader, header, content)
	local lines = { check_text(string.format("%s %s HTTP/1.1", method, url)) }
	local chunked = false
	if header then
		header_lines(lines, header, host)
		chunked = header["transfer-encoding"] == "chunked"
	else
		lines[2] = check_text("host:" .. host)
	end
	if not chunked then
		lines[#lines + 1] = "Content-length:" .. (content and #content or 0)
	end
	local head = concat(lines, "\r\n") .. "\r\n\r\n"
	if content == nil then
		interface.write(head)
	elseif #content <= JOIN_MAX then
		interface.write(head .. content)
	else
		interface.write(head)
		interface.write(content)
	end

	local answer = {}
	local prefix = internal.recvheader(interface.read, answer, "") or error "Recv header failed"
	local code = answer[1] and answer[1]:match("^HTTP/%d+%.%d+%s+(%d%d%d)%s") or error "assertion failed!"
	local fields = internal.parseheader(answer, 2, recvheader or {}) or error "Invalid HTTP response header"
	return math.tointeger(tonumber(code)), prefix, fields
end

-- How the body of a response ends: "chunked", "none", "close", or its length.
local function framing(status, header)
	if status == 204 or status == 304 or status < 200 then
		return "none"
	end
	local encoding = header["transfer-encoding"]
	if encoding then
		if type(encoding) ~= "string" then
			error "Unsupport transfer-encoding"
		end
		encoding = encoding:lower()
		if encoding == "chunked" then
			return "chunked"
		elseif encoding ~= "identity" then
			error "Unsupport transfer-encoding"
		end
	end
	local length, malformed = internal.contentlength(header)
	if malformed then
		error "Invalid HTTP response header"
	end
	return length or "close"
end

--- Read the body of a response.
---@param interface table
---@param status integer
---@param prefix string    bytes after the header
---@param header table    gets the trailers
---@return string body
--- Errors: "Unsupport transfer-encoding", "Invalid response body", "Invalid HTTP response header" for an impossible length.
function internal.response(interface, status, prefix, header)
	local kind = framing(status, header)
	if kind == "none" then
		return ""
	elseif kind == "chunked" then
		return internal.recvchunkedbody(interface.read, nil, header, prefix) or error "Invalid response body"
	elseif kind == "close" then
		return prefix .. (interface.readall() or "")
	elseif #prefix >= kind then
		return prefix:sub(1, kind)
	end
	return prefix .. interface.read(kind - #prefix)
end

-- Streams

local stream = {}
stream.__index = stream

-- A function that returns the next part, or nil at the end and when the body is broken.
local function part_reader(self, interface, prefix)
	local kind = framing(self.status, self.header)
	if kind == "none" then
		return function()
			self.connected = nil
		end
	end
	if kind == "chunked" then
		local reader = chunk_reader(interface.read, prefix)
		return function()
			local chunk = reader.next()
			if chunk == "" then
				self.connected = nil
				if not read_trailers(interface.read, reader, self.header) then
					chunk = nil
				end
			end
			if chunk == nil then
				self.connected = false
			end
			return chunk
		end
	end
	local left = kind ~= "close" and kind
	return function()
		if left == 0 then
			self.connected = nil
			return nil
		end
		local part = prefix
		prefix = ""
		if part == "" then
			part = interface.read()
		end
		if left then
			part = part:sub(1, left)
			left = left - #part
		end
		return part
	end
end

--- The next part of the body; nil at its end. Yields, throws when the connection is lost.
function stream:__call()
	if not self.connected then
		return nil
	end
	local ok, part = pcall(self.reading)
	if not ok then
		self.connected = false
		error(part, 0)
	end
	return part
end

--- Release the connection.
function stream:close()
	local close = self.onclose
	if close then
		self.onclose = nil
		self.connected = self.connected and false
		close()
	end
end

stream.__close = stream.close

--- Read the body of a response in parts: stream() or `for part in stream`. Fields: status, header, connected (nil after the
--- end, false after a loss). Whoever makes the stream sets its onclose.
function internal.response_stream(interface, status, prefix, header)
	local self = setmetatable({ status = status, header = header, connected = true }, stream)
	self.reading = part_reader(self, interface, prefix)
	return self
end

return internal
