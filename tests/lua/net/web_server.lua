-- An HTTP server that clients of all kinds try; prints READY <port>. Config key tls: "true" with certfile and keyfile.

local skynet = require "skynet"
local socket = require "skynet.socket"
local httpd = require "http.httpd"
local sockethelper = require "http.sockethelper"
local url = require "http.url"

local BODY_MAX <const> = 1024 * 1024

local page = {}

page["/"] = function()
	return "hello"
end

page["/echo"] = function(request)
	return request.body, { ["x-method"] = request.method }
end

page["/query"] = function(request)
	local list = {}
	for key, value in pairs(url.parse_query(request.query)) do
		list[#list + 1] = key .. "=" .. (type(value) == "table" and table.concat(value, ",") or value)
	end
	table.sort(list)
	return table.concat(list, ";")
end

page["/chunked"] = function()
	local n = 0
	return function()
		n = n + 1
		if n <= 100 then
			return ("part %d "):format(n)
		end
	end
end

page["/big"] = function()
	return ("0123456789abcdef"):rep(64 * 1024)
end

page["/netstat"] = function()
	local n = 0
	for _, entry in ipairs(socket.netstat()) do
		n = n + (entry.address == skynet.self() and 1 or 0)
	end
	return tostring(n)
end

local context

local function transport(fd)
	if skynet.getenv "tls" ~= "true" then
		return sockethelper.readfunc(fd), sockethelper.writefunc(fd), function() end
	end
	local tlshelper = require "http.tlshelper"
	if context == nil then
		context = tlshelper.newctx()
		context:set_cert(skynet.getenv "certfile", skynet.getenv "keyfile")
	end
	local tls = tlshelper.newtls("server", context)
	tlshelper.init_responsefunc(fd, tls)()
	return tlshelper.readfunc(fd, tls), tlshelper.writefunc(fd, tls), tlshelper.closefunc(tls)
end

local function answer(fd)
	local read, write, close = transport(fd)
	local status, target, method, header, body = httpd.read_request(read, BODY_MAX)
	if status then
		local text, fields
		if status == 200 then
			local path, query = url.parse(target)
			local f = page[path]
			if f then
				text, fields = f { method = method, query = query, body = body, header = header }
			else
				status = 404
			end
		end
		httpd.write_response(write, status, text, fields)
	end
	close()
end

skynet.start(function()
	local id, _, port = socket.listen("127.0.0.1", 0, 128)
	socket.start(id, function(fd)
		if socket.start(fd) then
			skynet.fork(function()
				local ok, err = pcall(answer, fd)
				if not ok then
					skynet.error("answer failed: " .. tostring(err))
				end
				socket.close(fd)
			end)
		end
	end)
	print("READY " .. port)
	io.stdout:flush()
end)
