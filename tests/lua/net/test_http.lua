-- http.internal, http.httpd, http.url on texts, and http.httpc against servers of our own.

local skynet = require "skynet"
local socket = require "skynet.socket"
local httpc = require "http.httpc"
local httpd = require "http.httpd"
local internal = require "http.internal"
local sockethelper = require "http.sockethelper"
local url = require "http.url"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")

local ok, equal, raises, case = kit.ok, kit.equal, kit.raises, kit.case

-- A read function on a text: at most step bytes when no count is asked for.
local function reader(text, step)
	local pos = 1
	return function(n)
		n = n or step or #text
		if pos > #text or pos + n - 1 > #text and step == nil and n ~= #text then
			error "end of text"
		end
		local part = text:sub(pos, pos + n - 1)
		pos = pos + #part
		return part
	end
end

local function read_request(text, limit, step)
	return httpd.read_request(reader(text, step), limit)
end

local function written(...)
	local parts = {}
	local result = { httpd.write_response(function(text) parts[#parts + 1] = text end, ...) }
	return table.concat(parts), table.unpack(result)
end

local CHUNKED <const> = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"

-- requests

case("requests are read, in whatever pieces they come", function()
	local get = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n"
	local post = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
	local chunked = CHUNKED .. "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: y\r\n\r\n"
	for _, step in ipairs { 1, 2, 3, 7, 1000 } do
		equal({ read_request(get, nil, step) }, { 200, "/a?b=c", "GET", { host = "x" }, "" })
		equal({ read_request(post, nil, step) }, { 200, "/", "POST", { ["content-length"] = "3" }, "abc" })
		local header = { ["transfer-encoding"] = "chunked", ["x-trailer"] = "y" }
		equal({ read_request(chunked, nil, step) }, { 200, "/", "POST", header, "abcde" })
	end
	equal({ read_request "GET / HTTP/1.0\r\n\r\n" }, { 200, "/", "GET", {}, "" })
	equal({ read_request "GET / HTTP/1.1\r\n\r\nextra" }, { 200, "/", "GET", {}, "extra" })
end)

case("fields", function()
	local _, _, _, header = read_request "GET / HTTP/1.1\r\nA: 1\r\na:2\r\nB:\r\nC:  x \t\r\nD: 1\r\n\t2\r\nE: a:b\r\n\r\n"
	equal(header, { a = { "1", "2" }, b = "", c = "x", d = "12", e = "a:b" })
end)

case("malformed fields are refused", function()
	for _, line in ipairs {
		"nocolon", ": novalue", "a b: c", "a : b", " a: b", "\ta: b", "a\0: b", "a: b\0c", "a: b\nc: d", "a: b\rc: d", "é: x",
	} do
		equal({ read_request("GET / HTTP/1.1\r\n" .. line .. "\r\n\r\n") }, { 400 }, line)
	end
end)

case("malformed request lines are an error", function()
	for _, line in ipairs {
		"", "GET", "GET /", "GET / ", "GET /  HTTP/1.1", "G1T / HTTP/1.1", "GET /a b HTTP/1.1", "GET / HTTP/1", "GET / HTTP/1.1 ",
		" GET / HTTP/1.1", "GET / http/1.1", "GET /\n HTTP/1.1", "GET /\0 HTTP/1.1", "\22\3\1\2\0\1",
	} do
		local status, err = read_request(line .. "\r\nA: b\r\n\r\n")
		equal(status, nil, line)
		kit.contains(err, "Invalid HTTP request line")
	end
	equal({ read_request "GET / HTTP/2.0\r\n\r\n" }, { 505 })
	equal({ read_request "GET / HTTP/0.9\r\n\r\n" }, { 505 })
end)

case("headers are bounded", function()
	equal({ read_request("GET / HTTP/1.1\r\n" .. ("a: b\r\n"):rep(2000)) }, { 413 })
	equal({ read_request("GET /" .. ("x"):rep(100000) .. " HTTP/1.1\r\n\r\n") }, { 413 })
	equal({ read_request("GET / HTTP/1.1\r\nA: " .. ("x"):rep(9000) .. "\r\n\r\n") }, { 413 })
	equal(read_request("GET /" .. ("x"):rep(8000) .. " HTTP/1.1\r\n\r\n"), 200)
	local read = 0
	local status = httpd.read_request(function()
		read = read + 1
		return "x"
	end)
	equal(status, 413)
	ok(read < 8200, "a trickle ends too")
	-- Blanks at the end of a value must not cost their square.
	local start = skynet.hpc()
	equal(read_request("GET / HTTP/1.1\r\nA: " .. ("\t "):rep(4000) .. "x\r\n\r\n"), 200)
	ok(skynet.hpc() - start < 0.2e9)
end)

case("what could be read in two ways is refused", function()
	local function post(fields, body)
		return { read_request("POST / HTTP/1.1\r\n" .. fields .. "\r\n\r\n" .. (body or "abc")) }
	end
	local both = "0\r\n\r\nGET /hidden HTTP/1.1\r\n\r\n"
	equal(post("Content-Length: 3\r\nTransfer-Encoding: chunked", both), { 400 })
	equal(post("Transfer-Encoding: chunked\r\nContent-Length: 3", both), { 400 })
	equal(post("Content-Length: 3\r\nContent-Length: 4"), { 400 })
	equal(post("Content-Length: 3\r\nContent-Length: 3"), { 400 })
	equal(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", both), { 400 })
	equal(post("Transfer-Encoding: identity, chunked", both), { 501 })
	equal(post("Transfer-Encoding: xchunked", both), { 501 })
	equal(post("Transfer-Encoding: \"chunked\"", both), { 501 })
	equal(post("Transfer-Encoding : chunked", both), { 400 })
	equal(post("Transfer-Encoding\t: chunked", both), { 400 })
	equal(post("X: y\r\n Transfer-Encoding: chunked", both), { 400 })
	equal(post("X: y\nTransfer-Encoding: chunked", both), { 400 })
	for _, length in ipairs { "-1", "+3", "3, 3", "0x3", "3.0", "1e1", "", "three", "3 4", "99999999999999999999" } do
		equal(post("Content-Length: " .. length), { 400 }, length)
	end
	equal({ read_request "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" }, { 400 })
end)

case("bodies are bounded, and malformed chunks refused", function()
	equal({ read_request("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n", 9) }, { 413 })
	equal({ read_request(CHUNKED .. "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 5) }, { 413 })
	equal(read_request(CHUNKED .. "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 6), 200)
	for _, chunks in ipairs {
		"x\r\n", "-3\r\nabc\r\n0\r\n\r\n", "+3\r\nabc\r\n0\r\n\r\n", " 3\r\nabc\r\n0\r\n\r\n", "3 \r\nabc\r\n0\r\n\r\n",
		"0x3\r\nabc\r\n0\r\n\r\n", "3;a=b\r\nabc\r\n0\r\n\r\n", "\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n",
		"3\r\nabc0\r\n\r\n\r\n", "3\nabc\r\n0\r\n\r\n" .. ("y"):rep(200), ("0"):rep(200) .. "3\r\nabc\r\n0\r\n\r\n",
		"ffffffffffffffff\r\n", "7fffffffffffffff\r\n", "0\r\nnocolon\r\n\r\n", "0\r\na b: c\r\n\r\n",
		"0\r\n" .. ("a: b\r\n"):rep(3000),
	} do
		equal({ read_request(CHUNKED .. chunks) }, { 413 }, chunks:sub(1, 40))
	end
end)

case("trailers cannot change where a message ends", function()
	local _, _, _, header = read_request(CHUNKED
		.. "0\r\nContent-Length: 9\r\nHost: evil\r\nTransfer-Encoding: x\r\nX: 1\r\nX: 2\r\n\r\n")
	equal(header, { ["transfer-encoding"] = "chunked", x = { "1", "2" } })
end)

case("many small chunks cost no more than their bytes", function()
	local start = skynet.hpc()
	local _, _, _, _, body = read_request(CHUNKED .. ("1\r\nx\r\n"):rep(50000) .. "0\r\n\r\n")
	equal(#body, 50000)
	ok(skynet.hpc() - start < 1.5e9)
end)

case("a connection that ends early gives its error", function()
	local failure = {}
	local sent
	local function read()
		if sent then
			error(failure)
		end
		sent = true
		return "GET /"
	end
	local status, err = httpd.read_request(read)
	equal(status, nil)
	ok(rawequal(err, failure))
end)

-- responses

case("responses are written", function()
	equal(written(200, "body", { a = "1" }), "HTTP/1.1 200 OK\r\na: 1\r\ncontent-length: 4\r\n\r\nbody")
	equal(written(200, "", { a = { "1", "2" } }), "HTTP/1.1 200 OK\r\na: 1\r\na: 2\r\ncontent-length: 0\r\n\r\n")
	equal(written(204), "HTTP/1.1 204 No Content\r\n\r\n")
	equal(written(426, "x"), "HTTP/1.1 426 \r\ncontent-length: 1\r\n\r\nx")
	local parts = { "abc", "", "z" }
	local i = 0
	equal(written(200, function() i = i + 1 return parts[i] end),
		"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nz\r\n0\r\n\r\n")
	equal(written(200, "x", { ["Content-Length"] = 9 }), "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")
	local big = ("x"):rep(100000)
	equal(written(200, big), "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" .. big)
end)

case("what would split a response is not written", function()
	for _, value in ipairs { "a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b" } do
		local text, success, err = written(200, "x", { location = value })
		equal({ text, success }, { "", false })
		kit.contains(err, "line break")
	end
	local _, success = written(200, "x", { ["a\r\nb"] = "c" })
	equal(success, false)
	_, success = written(200, 12)
	equal(success, false)
end)

case("a write that fails gives its error", function()
	local failure = {}
	local success, err = httpd.write_response(function() error(failure) end, 200, "x")
	equal(success, false)
	ok(rawequal(err, failure))
end)

-- URLs

case("URLs", function()
	equal({ url.parse "/a+b%20c?x=1&y=%41" }, { "/a b c", "x=1&y=%41" })
	equal({ url.parse "/a" }, { "/a", "" })
	equal({ url.parse "/a?" }, { "/a", "" })
	equal({ url.parse "/%zz%4" }, { "/%zz%4", "" })
	equal(url.parse_query "a=1&b=2&a=3&a=4&c&d=4&e=%41+b&=z&f=",
		{ a = { "1", "3", "4" }, b = "2", ["c&d"] = "4", e = "A b", [""] = "z", f = "" })
	local start = skynet.hpc()
	equal(url.parse_query(("a"):rep(1000000)), {})
	equal(url.parse_query(("a&"):rep(500000)), {})
	ok(skynet.hpc() - start < 1e9, "a query without = costs no square")
end)

-- the client

-- A server that sends a text and closes; requests[n] is what it was sent.
local requests = {}
local function canned(text, keep)
	local port, id = net.serve(function(fd)
		local request = socket.readline(fd, "\r\n\r\n")
		requests[#requests + 1] = request
		if type(text) == "function" then
			text(fd, request)
		else
			socket.write(fd, text)
		end
		if not keep then
			socket.close(fd)
		end
	end)
	return "127.0.0.1:" .. port, function() socket.close(id) end
end

case("a request and its response", function()
	local host, close = canned "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\nhello"
	local header = {}
	equal({ httpc.get(host, "/x", header) }, { 200, "hello" })
	equal(header, { a = "b", ["content-length"] = "5" })
	equal(requests[#requests], "GET /x HTTP/1.1\r\nhost:" .. host .. "\r\nContent-length:0")
	equal({ httpc.get("http://" .. host, "/x") }, { 200, "hello" })
	equal({ httpc.post(host, "/x", { ["a b"] = "c&d" }) }, { 200, "hello" })
	local mine = { ["x-y"] = "z" }
	httpc.request("PUT", host, "/p", nil, mine, "content")
	equal(mine.Host, host)
	kit.contains(requests[#requests], "x-y:z\r\n")
	kit.contains(requests[#requests], "Content-length:7")
	httpc.request("GET", host, "/p", nil, { host = "other", ["content-length"] = "99" })
	local _, hosts = requests[#requests]:lower():gsub("host:", "")
	equal(hosts, 1)
	equal(httpc.head(host, "/x"), 200)
	close()
end)

case("bodies of all kinds", function()
	for text, body in pairs {
		["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"] = "abcde",
		["HTTP/1.1 200 OK\r\n\r\nuntil the end"] = "until the end",
		["HTTP/1.1 204 No Content\r\n\r\n"] = "",
		["HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"] = "",
		["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"] = "abc",
		["HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" .. ("x"):rep(300000)] = ("x"):rep(300000),
		["HTTP/1.1 200 OK\r\n\r\n" .. ("x"):rep(500000)] = ("x"):rep(500000),
	} do
		local host, close = canned(text)
		local _, got = httpc.get(host, "/")
		ok(got == body, text:sub(1, 60))
		close()
	end
	local host, close = canned("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", true)
	equal({ httpc.request("HEAD", host, "/") }, { 200, "" })
	close()
end)

case("responses that are broken are errors", function()
	for text, err in pairs {
		["HTTP/1.1 404\r\n\r\n"] = "assertion failed!",
		["nonsense\r\n\r\n"] = "assertion failed!",
		["\r\n"] = "assertion failed!",
		["HTTP/1.1 200 OK\r\nnocolon\r\n\r\n"] = "Invalid HTTP response header",
		["HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabc"] = "Invalid HTTP response header",
		["HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"] = "Invalid HTTP response header",
		["HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc"] = "Unsupport transfer-encoding",
		["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"] = "Invalid response body",
		["HTTP/1.1 200 OK\r\n" .. ("a: b\r\n"):rep(3000)] = "Recv header failed",
		["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"] = "[Socket Error] : read failed fd = ",
		["HTTP/1.1 200"] = "[Socket Error] : read failed fd = ",
	} do
		local host, close = canned(text)
		raises(err, httpc.get, host, "/")
		close()
	end
	local success, err = pcall(httpc.get, "127.0.0.1:1", "/")
	equal(success, false)
	ok(rawequal(err, sockethelper.socket_error))
	kit.contains(tostring(err), "[Socket Error] : connect failed host = 127.0.0.1 port = 1")
	equal(tostring(err), "[Socket Error]")
end)

case("hosts that cannot be", function()
	raises("Invalid protocol: ftp", httpc.get, "ftp://x", "/")
	raises("Invalid host: bare IPv6 address '::1', use '[::1]' instead", httpc.get, "::1", "/")
	raises("Invalid host: a/b", httpc.get, "a/b:x", "/")
	raises("line break", httpc.get, canned "", "/ HTTP/1.1\r\nX: y")
	raises("line break", httpc.get, canned "", "/", nil, { a = "b\r\nc: d" })
end)

case("the timeout ends an exchange, and a late connection is closed", function()
	local host, close = canned(function(fd)
		skynet.sleep(100)
		socket.write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	end)
	httpc.timeout = 20
	local start = skynet.now()
	raises("[Socket Error] : read failed fd = ", httpc.get, host, "/")
	ok(skynet.now() - start < 80)
	raises("err = ", httpc.get, "127.0.0.1:0", "/")
	httpc.timeout = 300
	equal(httpc.get(host, "/"), 200)
	httpc.timeout = nil
	close()
end)

case("streams", function()
	local function parts_of(text)
		local host, close = canned(text)
		local stream = httpc.request_stream("GET", host, "/")
		local parts = {}
		local success, err = pcall(function()
			for part in stream do
				parts[#parts + 1] = part
			end
		end)
		local connected = stream.connected
		stream:close()
		stream:close()
		close()
		return parts, connected, success, err
	end
	local parts, connected = parts_of "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
	equal({ parts, connected }, { { "abc", "de", "" }, nil })
	parts, connected = parts_of "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx\r\n"
	equal({ parts, connected }, { { "abc" }, false })
	parts, connected = parts_of "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
	equal({ table.concat(parts), connected }, { "abc", nil })
	local success, err
	parts, connected, success, err = parts_of "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"
	equal({ table.concat(parts), connected, success }, { "abc", false, false })
	ok(rawequal(err, sockethelper.socket_error))
	parts, connected, success = parts_of "HTTP/1.1 200 OK\r\n\r\nabc"
	equal({ table.concat(parts), connected, success }, { "abc", false, false })
end)

case("internal reads what it is given", function()
	local lines = {}
	equal(internal.recvheader(reader "a: b\r\nc: d\r\n\r\nrest", lines, ""), "rest")
	equal(lines, { "a: b", "c: d" })
	equal(internal.recvheader(error, {}, "\r\nrest"), "rest")
	equal({ internal.recvchunkedbody(error, nil, {}, "1\r\nx\r\n0\r\n\r\n") }, { "x", {} })
	equal(internal.recvchunkedbody(error, nil, {}, "z\r\n"), nil)
end)

case("sockethelper reads what was read before first", function()
	local c, s = net.pair()
	socket.write(s, "67890")
	local read = sockethelper.readfunc(c, "12345")
	equal(read(2), "12")
	equal(read(4), "3456")
	equal(read(), "7890")
	equal(sockethelper.readfunc(c, "abc")(), "abc")
	equal(sockethelper.readfunc(c, "abc")(3), "abc")
	equal(read(0), "")
	socket.close(s)
	local success, err = pcall(read)
	equal(success, false)
	ok(rawequal(err, sockethelper.socket_error))
	socket.close(c)
	local write = sockethelper.writefunc(c)
	net.until_true(function() return not pcall(write, "x") end, "the socket is gone")
	raises("write failed fd = " .. c, write, "x")
end)

kit.run()
