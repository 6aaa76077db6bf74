-- An HTTP client: one connection for each request.

local skynet = require "skynet"
local socket = require "skynet.socket"
local internal = require "http.internal"
local sockethelper = require "http.sockethelper"
local dns	-- skynet.dns, when names are to be resolved with it

local httpc = {}

-- httpc.timeout, in 1/100 s: for the connect, and again for the exchange (the parts of a stream excepted).

local default_port = { http = 80, https = 443 }

--- Resolve host names with skynet.dns from now on, which does not block the socket thread.
---@param server string?    its IP; nil: from /etc/resolv.conf
---@param port integer?
function httpc.dns(server, port)
	dns = require "skynet.dns"
	if server then
		dns.server(server, port)
	end
end

-- "[http[s]://]host[:port]" -> protocol, host of the Host field, host to connect to, port
local function parse_host(text)
	local protocol, host = text:match "^([^/:]*)://(.*)$"
	protocol = protocol and protocol:lower() or "http"
	host = host or text
	local port = default_port[protocol] or error("Invalid protocol: " .. protocol)
	local name, digits = host:match "^%[([^%]]*)%]:?(%d*)$"
	if name == nil then
		if host:match ":.*:" then
			error(string.format("Invalid host: bare IPv6 address '%s', use '[%s]' instead", host, host))
		end
		name, digits = host:match "^([^:]*):?(%d*)$"
		if name == nil then
			error("Invalid host: " .. host)
		end
	end
	return protocol, host, name, digits ~= "" and math.tointeger(tonumber(digits)) or port
end

local function resolve(name)
	if dns == nil or name:find "^[%d.]+$" or name:find(":", 1, true) then
		return name
	end
	local ok, address = pcall(dns.resolve, name)
	if not ok or address == nil then
		error(string.format("%s dns resolve failed msg:%s", name, ok and "illegal name" or address))
	end
	return address
end

local function open_interface(protocol, fd, name)
	if protocol == "http" then
		return {
			read = sockethelper.readfunc(fd),
			write = sockethelper.writefunc(fd),
			readall = function()
				return sockethelper.readall(fd)
			end,
			close = function() end,
		}
	end
	local tlshelper = require "http.tlshelper"
	local tls = tlshelper.newtls("client", tlshelper.newctx(), name)
	return {
		init = function()
			tlshelper.init_requestfunc(fd, tls)()
		end,
		read = tlshelper.readfunc(fd, tls),
		write = tlshelper.writefunc(fd, tls),
		readall = tlshelper.readallfunc(fd, tls),
		close = tlshelper.closefunc(tls),
	}
end

-- What is open for one exchange. close() may be called more than once.
local function open(text)
	local protocol, host, name, port = parse_host(text)
	local fd = sockethelper.connect(resolve(name), port, httpc.timeout)
	local connection = { fd = fd, host = host }
	function connection.close()
		if connection.interface then
			connection.interface.close()
			connection.interface = nil
		end
		if connection.fd then
			connection.fd = nil
			socket.close(fd)
		end
	end
	local ok, err = pcall(function()
		connection.interface = open_interface(protocol, fd, name)
	end)
	if not ok then
		connection.close()
		error(err, 0)
	end
	return connection
end

-- Call f(connection, ...) within httpc.timeout. The connection is closed when it throws, and after it unless keep.
local function exchange(keep, connection, f, ...)
	local finished = false
	if httpc.timeout then
		local fd = connection.fd
		skynet.timeout(httpc.timeout, function()
			if not finished then
				socket.shutdown(fd)
			end
		end)
	end
	local result = table.pack(pcall(f, connection, ...))
	finished = true
	if not (keep and result[1]) then
		connection.close()
	end
	if not result[1] then
		error(result[2], 0)
	end
	return table.unpack(result, 2, result.n)
end

local function send(connection, method, url, recvheader, header, content)
	local interface = connection.interface
	if interface.init then
		interface.init()
	end
	return internal.request(interface, method, connection.host, url, recvheader, header, content)
end

local function send_and_read(connection, method, ...)
	local status, prefix, header = send(connection, method, ...)
	if method == "HEAD" then
		return status, ""
	end
	return status, internal.response(connection.interface, status, prefix, header)
end

--- Make a request and read its response. Yields.
---@param method string
---@param host string    "[http[s]://]host[:port]", "[http[s]://][v6][:port]"
---@param url string    path and query
---@param recvheader table?    gets the fields of the response
---@param header table?    fields to send
---@param content string?
---@return integer status
---@return string body
--- Errors: sockethelper.socket_error, "Invalid protocol: <p>", "Invalid host: ...", those of http.internal.
function httpc.request(method, host, url, recvheader, header, content)
	return exchange(false, open(host), send_and_read, method, url, recvheader, header, content)
end

local function send_and_stream(connection, ...)
	local status, prefix, header = send(connection, ...)
	local stream = internal.response_stream(connection.interface, status, prefix, header)
	stream.onclose = connection.close
	return stream
end

--- Make a request and get its response as a stream; see internal.response_stream. The caller closes it. Yields.
function httpc.request_stream(method, host, url, recvheader, header, content)
	return exchange(true, open(host), send_and_stream, method, url, recvheader, header, content)
end

--- Make a request and get its status only. Yields.
---@return integer status
function httpc.head(host, url, recvheader, header, content)
	return (exchange(false, open(host), send, "HEAD", url, recvheader, header, content))
end

--- (host, url, recvheader?, header?, content?) -> status, body
function httpc.get(...)
	return httpc.request("GET", ...)
end

local function escape(text)
	return (tostring(text):gsub("[^%w_]", function(char)
		return string.format("%%%02X", char:byte())
	end))
end

--- Send a form. Yields.
---@param form table<string, any>
---@return integer status
---@return string body
function httpc.post(host, url, form, recvheader)
	local parts = {}
	for key, value in pairs(form) do
		parts[#parts + 1] = escape(key) .. "=" .. escape(value)
	end
	local header = { ["content-type"] = "application/x-www-form-urlencoded" }
	return httpc.request("POST", host, url, recvheader, header, table.concat(parts, "&"))
end

return httpc
