-- A WebSocket echo that clients of all kinds try; prints READY <port>, and one line for each event but messages.
-- Config key protocol: "ws" or "wss".

local skynet = require "skynet"
local socket = require "skynet.socket"
local websocket = require "http.websocket"

local function say(...)
	local words = table.pack(...)
	for i = 1, words.n do
		words[i] = tostring(words[i])
	end
	print("EVENT " .. table.concat(words, " "))
	io.stdout:flush()
end

local handle = {}

for _, name in ipairs { "connect", "handshake", "ping", "pong", "close", "error" } do
	handle[name] = function(_, ...)
		if name == "handshake" then
			say(name, select(2, ...))
		else
			say(name, ...)
		end
	end
end

function handle.message(id, data, kind)
	if data == "close me" then
		websocket.close(id, 4001, "as you wish")
	elseif data == "ping me" then
		websocket.ping(id)
	else
		websocket.write(id, data, kind)
	end
end

skynet.start(function()
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.start(id, function(fd, address)
		local ok, err = websocket.accept(fd, handle, skynet.getenv "protocol" or "ws", address)
		say("accept", ok, err and err:match "[^\n]*")
	end)
	print("READY " .. port)
	io.stdout:flush()
end)
