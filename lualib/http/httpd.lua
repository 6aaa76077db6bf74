-- The server's side of an HTTP exchange: one request, one response.

local internal = require "http.internal"

local concat <const> = table.concat

local JOIN_MAX <const> = 65536	-- a body up to this size is sent in one piece with the header

local httpd = {}

local reasons = {
	[100] = "Continue",
	[101] = "Switching Protocols",
	[200] = "OK",
	[201] = "Created",
	[202] = "Accepted",
	[203] = "Non-Authoritative Information",
	[204] = "No Content",
	[205] = "Reset Content",
	[206] = "Partial Content",
	[300] = "Multiple Choices",
	[301] = "Moved Permanently",
	[302] = "Found",
	[303] = "See Other",
	[304] = "Not Modified",
	[305] = "Use Proxy",
	[307] = "Temporary Redirect",
	[400] = "Bad Request",
	[401] = "Unauthorized",
	[402] = "Payment Required",
	[403] = "Forbidden",
	[404] = "Not Found",
	[405] = "Method Not Allowed",
	[406] = "Not Acceptable",
	[407] = "Proxy Authentication Required",
	[408] = "Request Time-out",
	[409] = "Conflict",
	[410] = "Gone",
	[411] = "Length Required",
	[412] = "Precondition Failed",
	[413] = "Request Entity Too Large",
	[414] = "Request-URI Too Large",
	[415] = "Unsupported Media Type",
	[416] = "Requested range not satisfiable",
	[417] = "Expectation Failed",
	[500] = "Internal Server Error",
	[501] = "Not Implemented",
	[502] = "Bad Gateway",
	[503] = "Service Unavailable",
	[504] = "Gateway Time-out",
	[505] = "HTTP Version not supported",
}

-- requests

-- The body; or false and the status that refuses it.
local function read_body(read, limit, header, version, rest)
	local encoding = header["transfer-encoding"]
	local length, malformed = internal.contentlength(header)
	if malformed then
		return false, 400
	end
	if encoding then
		if type(encoding) ~= "string" then
			return false, 400
		end
		encoding = encoding:lower()
		if encoding ~= "identity" then
			if encoding ~= "chunked" then
				return false, 501
			end
			if length or version < 1.1 then
				return false, 400
			end
			local body = internal.recvchunkedbody(read, limit, header, rest)
			if body == nil then
				return false, 413
			end
			return body
		end
	end
	if length == nil then
		return rest
	end
	if limit and length > limit then
		return false, 413
	end
	if #rest >= length then
		return rest:sub(1, length)
	end
	return rest .. read(length - #rest)
end

local function read_request(read, limit)
	local refused, method, url, version, lines, rest = internal.recvrequest(read)
	if refused then
		return refused
	end
	if version < 1.0 or version > 1.1 then
		return 505
	end
	local header = internal.parseheader(lines, 2, {})
	if header == nil then
		return 400
	end
	local body, status = read_body(read, limit, header, version, rest)
	if not body then
		return status
	end
	return 200, url, method, header, body
end

local function result(ok, status, ...)
	if ok then
		return status, ...
	end
	return nil, status
end

--- Read a request. Yields.
---@param read fun(n: integer?): string    throws when the connection is gone
---@param limit integer?    bytes of the body
---@return integer? status    200; 400 malformed, 413 too large or malformed chunks, 501 unknown transfer-encoding, 505 version;
--- nil when reading threw or the request line is malformed
---@return any url    or what was thrown
---@return string? method
---@return table? header    lower-case names; an array for a name that is repeated
---@return string? body
function httpd.read_request(read, limit)
	return result(pcall(read_request, read, limit))
end

-- responses

local status_lines = setmetatable({}, {
	__index = function(self, status)
		local line = string.format("HTTP/1.1 %03d %s\r\n", status, reasons[status] or "")
		self[status] = line
		return line
	end,
})

-- The fields of a response with a body that are ours to state: lengths of their names, and the names.
local ours_size = { [14] = true, [17] = true }
local ours = { ["content-length"] = true, ["transfer-encoding"] = true }

local function write_head(lines, header, has_body)
	for name, value in pairs(header) do
		if has_body and ours_size[#name] and ours[name:lower()] then
			goto continue
		end
		if type(value) == "table" then
			for _, v in ipairs(value) do
				lines[#lines + 1] = string.format("%s: %s\r\n", name, v)
			end
		else
			lines[#lines + 1] = string.format("%s: %s\r\n", name, value)
		end
		::continue::
	end
	for i = 2, #lines do
		-- A line break in a value would let whoever chose the value write the rest of the response.
		local line = lines[i]
		if line:find("[\0\r\n]") ~= #line - 1 then
			error(string.format("Invalid HTTP response header: line break in %q", line))
		end
	end
end

local function write_response(write, status, body, header)
	local lines = { status_lines[status] }
	if header then
		write_head(lines, header, body ~= nil)
	end
	local n = #lines
	local kind = type(body)
	if kind == "string" then
		lines[n + 1] = "content-length: "
		lines[n + 2] = #body
		lines[n + 3] = "\r\n\r\n"
		if #body <= JOIN_MAX then
			lines[n + 4] = body
			write(concat(lines))
		else
			write(concat(lines))
			write(body)
		end
	elseif kind == "function" then
		lines[n + 1] = "transfer-encoding: chunked\r\n\r\n"
		write(concat(lines))
		for part in body do
			if part ~= "" then
				write(string.format("%x\r\n%s\r\n", #part, part))
			end
		end
		write("0\r\n\r\n")
	elseif body == nil then
		lines[n + 1] = "\r\n"
		write(concat(lines))
	else
		error("Invalid response body of type " .. kind)
	end
end

--- Write a response.
---@param write fun(data: string)    throws when the connection is gone
---@param status integer
---@param body string | fun(): string? | nil    a function is called for one part after the other, nil ends it
---@param header table<string, any>?    an array as value repeats the line
---@return boolean ok
---@return any err    what was thrown
function httpd.write_response(write, status, body, header)
	return pcall(write_response, write, status, body, header)
end

return httpd
