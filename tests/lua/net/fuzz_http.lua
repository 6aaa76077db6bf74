-- Mutated requests and responses for http.httpd, http.internal and http.url: each ends with a status or an error, never with
-- anything else, and never later than its input.

local httpd = require "http.httpd"
local internal = require "http.internal"
local url = require "http.url"
local fuzz = dofile(SERVICE_PATH .. "fuzz_kit.lua")

local seeds = {
	"GET /a/b%20c?x=1&y=2&x=3 HTTP/1.1\r\nHost: example\r\nAccept: */*\r\nCookie: a=b\r\n\r\n",
	"POST /form HTTP/1.1\r\nHost: example\r\nContent-Length: 11\r\n\r\na=1&b=2&c=3",
	"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nX-Trailer: y\r\n\r\n",
	"GET / HTTP/1.1\r\nA: 1\r\n\tfolded\r\nA: 2\r\nA: 3\r\n\r\nrest",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"HTTP/1.0 404 Not Found\r\n\r\nnothing",
}
local words = {
	"\r\n", "\n", "\r", "\0", "\t", " ", ":", "\r\n\r\n", "chunked", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
	"identity", "HTTP/1.1", "%", "%4", "&", "=", "?", "0\r\n\r\n", "-", "+", "0x", ("a"):rep(200), ("a: b\r\n"):rep(1500),
}
local statuses = { [200] = true, [400] = true, [413] = true, [501] = true, [505] = true }
local at_end = setmetatable({}, { __tostring = function() return "end of input" end })

-- Errors that the client's side may throw.
local errors = {
	"Recv header failed", "Invalid HTTP response header", "Unsupport transfer%-encoding", "Invalid response body", "assertion failed!",
}

local function check_error(err)
	if err == at_end then
		return
	end
	assert(type(err) == "string", "an error of type " .. type(err))
	for _, known in ipairs(errors) do
		if err:find(known) then
			return
		end
	end
	error("an error that nobody expects: " .. err)
end

local function check_header(header)
	for name, value in pairs(header) do
		assert(name == name:lower() and not name:find "[^%w!#$%%&'*+%-.^_`|~]", "a name")
		for _, v in ipairs(type(value) == "table" and value or { value }) do
			assert(not v:find "[\0\r\n]", "a value")
		end
	end
end

local function server(text)
	local limit = 10000
	local status, target, _, header, body = httpd.read_request(fuzz.reader(text, at_end), limit)
	if status == nil then
		assert(target == at_end or target:find "Invalid HTTP request line", target)
		return
	end
	assert(statuses[status], status)
	if status ~= 200 then
		return
	end
	check_header(header)
	local encoding, length = header["transfer-encoding"], header["content-length"]
	assert(not (length and encoding and encoding:lower() == "chunked"), "two readings")
	if length then
		assert(#body == tonumber(length), "length")
	end
	local path, query = url.parse(target)
	assert(#path <= #target)
	url.parse_query(query)
	url.parse_query(body)
end

local function client(text)
	local interface = {
		write = function() end,
		read = fuzz.reader(text, at_end),
		readall = function() return "" end,
	}
	local ok, status, prefix, header = pcall(internal.request, interface, "GET", "host", "/")
	if not ok then
		return check_error(status)
	end
	check_header(header)
	local body
	ok, body = pcall(internal.response, interface, status, prefix, header)
	if not ok then
		return check_error(body)
	end
	assert(#body <= #text)
	-- The same as a stream.
	interface.read = fuzz.reader(text, at_end)
	status, prefix, header = internal.request(interface, "GET", "host", "/")
	local stream = internal.response_stream(interface, status, prefix, header)
	local parts = {}
	pcall(function()
		for part in stream do
			parts[#parts + 1] = part
			assert(#parts <= #text + 1)
		end
	end)
	assert(stream.connected ~= true)
end

fuzz.run(function()
	local text = fuzz.mutate(seeds, words)
	fuzz.input = text
	server(text)
	client(text)
end)
