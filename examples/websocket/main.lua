-- A WebSocket echo, and a client of it: the server serves until the node is stopped.

local skynet = require "skynet"
local socket = require "skynet.socket"
local websocket = require "http.websocket"

-- What happens on a connection; id is that of its socket.
local handle = {}

function handle.handshake(_, _, url)
	skynet.error("a client of", url)
end

function handle.message(id, data, kind)
	websocket.write(id, data, kind)
end

function handle.close(_, code, reason)
	skynet.error("closed with", code, reason)
end

function handle.error()
	skynet.error "a client is gone"
end

local function client(url)
	local id = websocket.connect(url)
	for _, text in ipairs { "one", "two", "three" } do
		websocket.write(id, text)
		skynet.error("the echo of", text, "is", websocket.read(id))
	end
	websocket.close(id, 1000, "that was all")
end

skynet.start(function()
	local listener, ip, port = socket.listen(skynet.getenv "host", tonumber(skynet.getenv "port"))
	socket.start(listener, function(fd, address)
		local ok, err = websocket.accept(fd, handle, "ws", address)
		if not ok then
			skynet.error(err)
		end
	end)
	skynet.error(string.format("ws://%s:%d is open", ip, port))
	skynet.fork(client, string.format("ws://%s:%d/echo", ip, port))
end)
