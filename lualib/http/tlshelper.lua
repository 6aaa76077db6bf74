-- TLS on a socket, as the functions that the HTTP modules read and write through. The engine (ltls.c) knows no sockets: it turns
-- bytes that came into text, and text into bytes to send.

local socket = require "http.sockethelper"
local c = require "ltls.c"

local tlshelper = {}

-- Exchange records until the handshake is over.
local function shake(tls, read, write)
	local send
	while not tls:finished() do
		send = tls:handshake(read())
		if send and send ~= "" then
			write(send)
		end
	end
	-- What the last step left to send: it says nothing about it.
	send = tls:write()
	if send and send ~= "" then
		write(send)
	end
end

--- The client's handshake: f(hostname?). Yields, throws socket_error and what the engine throws.
function tlshelper.init_requestfunc(fd, tls)
	local read = socket.readfunc(fd)
	local write = socket.writefunc(fd)
	return function(hostname)
		if hostname then
			tls:set_ext_host_name(hostname)
		end
		write(tls:handshake())
		shake(tls, read, write)
	end
end

--- The server's handshake: f(). Yields.
function tlshelper.init_responsefunc(fd, tls)
	local read = socket.readfunc(fd)
	local write = socket.writefunc(fd)
	return function()
		shake(tls, read, write)
	end
end

--- Close the engine: f().
function tlshelper.closefunc(tls)
	return function()
		tls:close()
	end
end

--- Read text: f(n) -> n bytes, f() -> what there is. Yields.
function tlshelper.readfunc(fd, tls)
	local read = socket.readfunc(fd)
	local text, pos = "", 1	-- what is decrypted, and how far it is read
	local begun = false

	-- A record may be about the session and carry no text.
	local function more()
		if not begun then
			-- Text may have come with the end of the handshake.
			begun = true
			return tls:read()
		end
		return tls:read(read())
	end

	return function(n)
		if n == nil then
			while pos > #text do
				text, pos = more(), 1
			end
			n = #text
		elseif #text - pos + 1 < n then
			local parts, size = { text:sub(pos) }, #text - pos + 1
			while size < n do
				local part = more()
				parts[#parts + 1] = part
				size = size + #part
			end
			text, pos = table.concat(parts), 1
		end
		local from = pos
		pos = math.min(pos + n, #text + 1)
		return text:sub(from, pos - 1)
	end
end

--- Read text to the end of the connection: f(). Yields.
function tlshelper.readallfunc(fd, tls)
	return function()
		return tls:read(socket.readall(fd) or "")
	end
end

--- Write text: f(text).
function tlshelper.writefunc(fd, tls)
	local write = socket.writefunc(fd)
	return function(text)
		write(tls:write(text))
	end
end

--- A context for newtls; a server gives it its certificate with set_cert(certfile, keyfile).
function tlshelper.newctx()
	return c.newctx()
end

--- An engine: (method = "client" | "server", context, hostname?).
function tlshelper.newtls(method, context, hostname)
	return c.newtls(method, context, hostname)
end

return tlshelper
