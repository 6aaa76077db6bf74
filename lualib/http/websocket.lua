-- WebSocket (RFC 6455), both sides. An id is that of the socket.
--
-- The server reads frames in the coroutine that called accept and tells the handle's functions; a client reads when it likes.
-- What breaks the protocol ends the connection with a close frame that says so. Two liberties are kept: frames of a client
-- need not be masked, because `write` does not mask by itself, and the text of a text message is not looked into.

local skynet = require "skynet"
local crypt = require "skynet.crypt"
local socket = require "skynet.socket"
local httpd = require "http.httpd"
local internal = require "http.internal"
local sockethelper = require "http.sockethelper"

local xor <const> = crypt.xor_str

local GUID <const> = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"	-- RFC 6455, 1.3
local MESSAGE_MAX <const> = 256 * 1024	-- bytes of a message, and of each of its frames, that a server takes
local JOIN_MAX <const> = 65536	-- a payload up to this size is sent in one piece with its header
local CONTROL_MAX <const> = 125	-- bytes of a control frame (RFC 6455, 5.5)

local CONTINUATION <const> = 0
local TEXT <const> = 1
local BINARY <const> = 2
local CLOSE <const> = 8
local PING <const> = 9
local PONG <const> = 10

local PROTOCOL_ERROR <const> = 1002	-- codes of close frames (RFC 6455, 7.4.1)
local TOO_BIG <const> = 1009

local opcodes = { text = TEXT, binary = BINARY }
local kinds = { [TEXT] = "text", [BINARY] = "binary" }
local control = { [CLOSE] = true, [PING] = true, [PONG] = true }

local websocket = {}

-- id -> { id =, mode = "client" | "server", read =, write =, release =, handle =, addr =, header =, closed =, limit = }
local connections = {}

local server_context	-- of TLS, with the certificate of the config

-- connections

local function plain_transport(fd)
	return { read = sockethelper.readfunc(fd), write = sockethelper.writefunc(fd), release = function() end }
end

local function tls_transport(fd, mode, hostname)
	local tlshelper = require "http.tlshelper"
	local context
	if mode == "server" then
		if server_context == nil then
			context = tlshelper.newctx()
			context:set_cert(
				skynet.getenv "certfile" or "./server-cert.pem",
				skynet.getenv "keyfile" or "./server-key.pem"
			)
			server_context = context
		end
		context = server_context
	else
		context = tlshelper.newctx()
	end
	local tls = tlshelper.newtls(mode, context, hostname)
	local shake = mode == "server" and tlshelper.init_responsefunc or tlshelper.init_requestfunc
	return {
		init = shake(fd, tls),
		read = tlshelper.readfunc(fd, tls),
		write = tlshelper.writefunc(fd, tls),
		release = tlshelper.closefunc(tls),
	}
end

local function transport(protocol, fd, mode, hostname)
	if protocol == "ws" then
		return plain_transport(fd)
	elseif protocol == "wss" then
		return tls_transport(fd, mode, hostname)
	end
	error(string.format("invalid websocket protocol:%s", protocol), 0)
end

local function known(id)
	return connections[id] or error "assertion failed!"
end

-- Close the socket and forget it.
local function release(ws)
	local id = ws.id
	ws.closed = true
	if connections[id] == ws then
		connections[id] = nil
	end
	if not ws.released then
		ws.released = true
		ws.release()
		socket.close(id)
	end
end

-- frames

local function write_frame(ws, opcode, payload, key)
	local size = #payload
	if key == nil and control[opcode] and ws.mode == "client" then
		-- Nobody can give a key for what is sent by itself, and strict servers want one.
		key = math.random(0, 0xffffffff)
	end
	local masked = key and 0x80 or 0
	local header
	if size <= CONTROL_MAX then
		header = string.char(0x80 | opcode, masked | size)
	elseif size <= 0xffff then
		header = string.pack(">BBI2", 0x80 | opcode, masked | 126, size)
	else
		header = string.pack(">BBI8", 0x80 | opcode, masked | 127, size)
	end
	if key then
		local mask = string.pack(">I4", key & 0xffffffff)
		header = header .. mask
		payload = xor(payload, mask)
	end
	if size <= JOIN_MAX then
		ws.write(header .. payload)
	else
		ws.write(header)
		ws.write(payload)
	end
end

local function write_close(ws, code, reason)
	local payload = ""
	if code then
		-- A longer reason would not fit a control frame.
		payload = string.pack(">I2", code) .. (reason or ""):sub(1, CONTROL_MAX - 2)
	end
	write_frame(ws, CLOSE, payload)
end

-- Tell the peer why, and throw.
local function violate(ws, code, text)
	pcall(write_close, ws, code, text)
	error(text)
end

-- -> final, opcode, payload
local function read_frame(ws)
	local read = ws.read
	local first, second = read(2):byte(1, 2)
	local opcode = first & 0x0f
	local final = first & 0x80 ~= 0
	local size = second & 0x7f
	if first & 0x70 ~= 0 then
		violate(ws, PROTOCOL_ERROR, "reserved bits are set")
	end
	if control[opcode] then
		if size > CONTROL_MAX then
			violate(ws, PROTOCOL_ERROR, "control frame too long")
		elseif not final then
			violate(ws, PROTOCOL_ERROR, "control frame in fragments")
		end
	elseif opcode > BINARY then
		violate(ws, PROTOCOL_ERROR, "invalid opcode " .. opcode)
	end
	if size == 126 then
		size = string.unpack(">I2", read(2))
		if size < 126 then
			violate(ws, PROTOCOL_ERROR, "payload_len is not minimal")
		end
	elseif size == 127 then
		size = string.unpack(">i8", read(8))
		if size < 0 then
			violate(ws, PROTOCOL_ERROR, "payload_len is negative")
		elseif size <= 0xffff then
			violate(ws, PROTOCOL_ERROR, "payload_len is not minimal")
		end
	end
	if ws.limit and size > ws.limit then
		violate(ws, TOO_BIG, "payload_len is too large")
	end
	local mask = second & 0x80 ~= 0 and read(4)
	local payload = ""
	if size > 0 then
		payload = read(size)
		if mask then
			payload = xor(payload, mask)
		end
	end
	return final, opcode, payload
end

-- Frames up to one that completes a message, or that is a control frame. What has come of a message stays in ws.parts.
-- -> opcode, payload; TEXT or BINARY: a whole message
local function read_message(ws)
	while true do
		local final, opcode, payload = read_frame(ws)
		if control[opcode] then
			return opcode, payload
		end
		local parts = ws.parts
		if opcode == CONTINUATION then
			if parts == nil then
				violate(ws, PROTOCOL_ERROR, "continuation of nothing")
			end
		elseif parts then
			violate(ws, PROTOCOL_ERROR, "a message within another")
		elseif final then
			return opcode, payload
		else
			parts = { size = 0, opcode = opcode }
			ws.parts = parts
		end
		-- An empty fragment adds nothing, also no entry: else a peer could pile them up.
		if payload ~= "" then
			parts.size = parts.size + #payload
			if ws.limit and parts.size > ws.limit then
				violate(ws, TOO_BIG, "payload_len is too large")
			end
			parts[#parts + 1] = payload
		end
		if final then
			ws.parts = nil
			return parts.opcode, table.concat(parts)
		end
	end
end

-- Let ws.read begin with bytes that came with the handshake.
local function put_back(ws, rest)
	if rest == "" then
		return
	end
	local read = ws.read
	ws.read = function(n)
		local text = rest
		if text == "" then
			return read(n)
		elseif n <= #text then
			rest = text:sub(n + 1)
			return text:sub(1, n)
		end
		rest = ""
		return text .. read(n - #text)
	end
end

local function close_reason(payload)
	if #payload > 2 then
		return string.unpack(">I2", payload), payload:sub(3)
	end
end

-- the server

-- The values of a field that is a list, in lower case.
local function tokens(value)
	local list = {}
	if type(value) == "table" then
		value = table.concat(value, ",")
	end
	for token in (value or ""):lower():gmatch "[^,%s]+" do
		list[token] = true
	end
	return list
end

local function text_of(value)
	return type(value) == "string" and value or nil
end

-- What is wrong with a request to upgrade: status, text; nil: nothing.
local function refusal(method, header, version)
	if method ~= "GET" then
		return 400, "need GET method"
	elseif version and version < 1.1 then
		return 505
	elseif not tokens(header.upgrade).websocket then
		return 426, "Upgrade Required"
	elseif not text_of(header.host) then
		return 400, "host Required"
	elseif not tokens(header.connection).upgrade then
		return 400, "Connection must Upgrade"
	end
	local key = text_of(header["sec-websocket-key"])
	if key == nil then
		return 400, "Sec-WebSocket-Key Required"
	end
	local ok, bytes = pcall(crypt.base64decode, key)
	if not ok or #bytes ~= 16 then
		return 400, "Sec-WebSocket-Key invalid"
	elseif header["sec-websocket-version"] ~= "13" then
		return 400, "Sec-WebSocket-Version must 13"
	elseif header["sec-websocket-protocol"] and not tokens(header["sec-websocket-protocol"]).chat then
		return 400, "Sec-WebSocket-Protocol need include chat"
	end
end

local function accept_key(key)
	return crypt.base64encode(crypt.sha1(key .. GUID))
end

-- -> status for a refusal | nil, method, url, header, version
local function read_upgrade(ws)
	local refused, method, url, version, lines, rest = internal.recvrequest(ws.read)
	if refused then
		return refused
	end
	local header = internal.parseheader(lines, 2, {})
	if header == nil then
		return 400
	end
	-- Frames that did not wait for the answer.
	put_back(ws, rest)
	return nil, method, url, header, version
end

-- Answer the request; false: it is refused.
local function handshake(ws, upgrade)
	local status, text, method, url, header, version
	if upgrade then
		method, url, header = upgrade.method, upgrade.url, upgrade.header
	else
		status, method, url, header, version = read_upgrade(ws)
	end
	if status == nil then
		status, text = refusal(method, header, version)
	end
	if status then
		local ok, err = httpd.write_response(ws.write, status, text)
		if not ok then
			error(err, 0)
		end
		return false
	end
	ws.header = header
	ws.write("HTTP/1.1 101 Switching Protocols\r\n"
		.. "Upgrade: websocket\r\n"
		.. "Connection: Upgrade\r\n"
		.. "Sec-WebSocket-Accept: " .. accept_key(header["sec-websocket-key"]) .. "\r\n"
		.. (header["sec-websocket-protocol"] and "Sec-WebSocket-Protocol: chat\r\n" or "")
		.. "\r\n")
	return true, header, url
end

local function tell(ws, event, ...)
	local f = ws.handle[event]
	if f then
		f(ws.id, ...)
	end
end

local function serve_messages(ws)
	local on_message = ws.handle.message
	while not ws.closed do
		local opcode, payload = read_message(ws)
		if opcode == PING then
			tell(ws, "ping")
			if not ws.closed then
				write_frame(ws, PONG, payload)
			end
		elseif opcode == PONG then
			tell(ws, "pong")
		elseif opcode == CLOSE then
			-- The peer may be gone before it reads this.
			pcall(write_frame, ws, CLOSE, "")
			release(ws)
			return tell(ws, "close", close_reason(payload))
		elseif on_message then
			on_message(ws.id, payload, kinds[opcode])
		end
	end
	tell(ws, "close")
end

local function serve(ws, upgrade)
	tell(ws, "connect")
	if ws.init then
		ws.init()
	end
	local ok, header, url = handshake(ws, upgrade)
	if not ok then
		release(ws)
		return tell(ws, "close")
	end
	tell(ws, "handshake", header, url)
	serve_messages(ws)
end

local function traceback(err)
	if err == sockethelper.socket_error then
		return err
	end
	return debug.traceback(err)
end

--- Serve a connection until it ends. Yields.
---@param fd integer    accepted, not started yet unless the handshake was read already
---@param handle table    functions, all optional, first argument id: connect(), handshake(header, url),
--- message(data, "text" | "binary"), ping(), pong(), close(code?, reason?), error(err); and warning(connection, kib)
---@param protocol string?    "ws"; "wss" has the certificate of the config keys certfile and keyfile
---@param addr string?    for addrinfo
---@param options { upgrade: { header: table, method: string, url: string }? }?    the handshake, when it was read already
---@return boolean ok    false: a handle function failed, or the peer broke the protocol
---@return string? err    with traceback
function websocket.accept(fd, handle, protocol, addr, options)
	local upgrade = options and options.upgrade
	local started = upgrade and true or socket.start(fd)
	local made, ws = pcall(transport, protocol or "ws", fd, "server")
	if not made then
		socket.close(fd)
		return false, ws
	end
	ws.id = fd
	ws.mode = "server"
	ws.handle = handle
	ws.addr = addr
	ws.limit = MESSAGE_MAX
	if not started then
		-- The peer has gone already.
		tell(ws, "connect")
		tell(ws, "error", sockethelper.socket_error)
		return true
	end
	connections[fd] = ws
	if handle.warning then
		socket.warning(fd, function(_, kib)
			handle.warning(ws, kib)
		end)
	end
	local ok, err = xpcall(serve, traceback, ws, upgrade)
	local was_closed = ws.closed
	release(ws)
	if ok then
		return true
	end
	if was_closed then
		-- By a handle function or another coroutine, while this one was reading or writing.
		ok, err = xpcall(tell, traceback, ws, "close")
	elseif err == sockethelper.socket_error then
		ok, err = xpcall(tell, traceback, ws, "error", err)
	end
	if ok then
		return true
	end
	return false, err
end

-- the client

-- "ws[s]://host[:port][/path]" -> protocol, host, port, path
local function parse_url(url)
	local protocol, host, path = url:match "^(%a+)://([^/?]*)(.*)$"
	if protocol == nil then
		error(string.format("invalid url: %s", url))
	end
	protocol = protocol:lower()
	if protocol ~= "ws" and protocol ~= "wss" then
		error(string.format("invalid protocol: %s", protocol))
	end
	local name, port = host:match "^%[([^%]]*)%]:?(%d*)$"
	if name == nil then
		name, port = host:match "^([^:]*):?(%d*)$"
	end
	if name == nil or name == "" then
		error(string.format("invalid host: %s", host))
	end
	if path:sub(1, 1) ~= "/" then
		path = "/" .. path
	end
	return protocol, name, math.tointeger(tonumber(port)) or (protocol == "ws" and 80 or 443), path
end

local function client_handshake(ws, host, path, header)
	if ws.init then
		ws.init()
	end
	local key = crypt.base64encode(crypt.randomkey() .. crypt.randomkey())
	local request = {
		Upgrade = "websocket",
		Connection = "Upgrade",
		["Sec-WebSocket-Version"] = "13",
		["Sec-WebSocket-Key"] = key,
	}
	for name, value in pairs(header or {}) do
		request[name] = value
	end
	local interface = { read = ws.read, write = ws.write, readall = function()
		return sockethelper.readall(ws.id)
	end }
	local status, rest, fields = internal.request(interface, "GET", host, path, {}, request)
	if status ~= 101 then
		local ok, body = pcall(internal.response, interface, status, rest, fields)
		error(string.format("websocket handshake error: code[%s] info:%s", status, ok and body or rest), 0)
	end
	if not tokens(fields.upgrade).websocket then
		error("websocket handshake upgrade must websocket", 0)
	elseif not tokens(fields.connection).upgrade then
		error("websocket handshake connection must upgrade", 0)
	elseif fields["sec-websocket-accept"] ~= accept_key(request["Sec-WebSocket-Key"]) then
		error("websocket handshake invalid Sec-WebSocket-Accept", 0)
	end
	ws.header = fields
	put_back(ws, rest)
end

--- Connect to a server. Yields.
---@param url string    "ws[s]://host[:port][/path]"
---@param header table<string, string>?    fields to add to the request
---@param timeout integer?    of the connect, 1/100 s
---@return integer id
--- Errors: "websocket handshake error: code[<c>] info:<body>", "invalid protocol: <p>", socket_error.
function websocket.connect(url, header, timeout)
	local protocol, host, port, path = parse_url(url)
	local fd = sockethelper.connect(host, port, timeout)
	local ok, ws = pcall(transport, protocol, fd, "client", host)
	if not ok then
		socket.close(fd)
		error(ws, 0)
	end
	ws.id = fd
	ws.mode = "client"
	ws.addr = host .. ":" .. port
	connections[fd] = ws
	local err
	ok, err = pcall(client_handshake, ws, host, path, header)
	if not ok then
		release(ws)
		error(err, 0)
	end
	return fd
end

local function next_message(ws)
	while true do
		local opcode, payload = read_message(ws)
		if opcode == CLOSE then
			return false, payload
		elseif opcode == PING then
			write_frame(ws, PONG, payload)
		elseif opcode ~= PONG then
			return payload
		end
	end
end

--- The next message; pings are answered meanwhile. Yields.
---@param id integer
---@return string | false data    false: the server closes the connection, which is closed now
---@return string? payload    then, of the close frame: 2 bytes code and a text, or less
--- Errors: socket_error when the connection is lost, texts for what breaks the protocol; the id is unknown afterwards.
function websocket.read(id)
	local ws = known(id)
	local ok, data, payload = pcall(next_message, ws)
	if ok and data then
		return data
	end
	release(ws)
	if not ok then
		error(data, 0)
	end
	return false, payload
end

--- Send a message, in one frame.
---@param id integer
---@param data string
---@param kind "text" | "binary" | nil    "text"
---@param masking_key integer?    32 bits; nil: unmasked
function websocket.write(id, data, kind, masking_key)
	local ws = known(id)
	write_frame(ws, opcodes[kind or "text"] or error "assertion failed!", data, masking_key)
end

--- Send a ping.
function websocket.ping(id)
	write_frame(known(id), PING, "")
end

--- Send a close frame and close the connection; an unknown id is ignored. Yields.
---@param id integer
---@param code integer?
---@param reason string?
function websocket.close(id, code, reason)
	local ws = connections[id]
	if ws == nil then
		return
	end
	ws.closed = true
	connections[id] = nil
	pcall(write_close, ws, code, reason)
	release(ws)
end

--- The address that accept was called with; for a client, that of the server.
function websocket.addrinfo(id)
	return known(id).addr
end

--- The field x-real-ip of the handshake, which a proxy has set.
function websocket.real_ip(id)
	local header = known(id).header
	return header and header["x-real-ip"]
end

--- Is this id no open connection?
function websocket.is_close(id)
	local ws = connections[id]
	return ws == nil or ws.closed == true
end

return websocket
