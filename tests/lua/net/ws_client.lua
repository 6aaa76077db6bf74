-- A WebSocket client of somebody else's echo server (config key url), which masks as the protocol wants it.

local skynet = require "skynet"
local websocket = require "http.websocket"
require "skynet.manager"

skynet.start(function()
	skynet.fork(function()
		local id = websocket.connect(skynet.getenv "url", { ["x-test"] = "yes" }, 500)
		local checks = 0
		for _, size in ipairs { 0, 1, 125, 126, 65535, 65536, 200000 } do
			local data = ("x"):rep(size)
			websocket.write(id, data, "text", 0x01020304)
			assert(websocket.read(id) == data, size)
			checks = checks + 1
		end
		websocket.write(id, "\0\xff", "binary", 0xffffffff)
		assert(websocket.read(id) == "\0\xff")
		websocket.write(id, "ping", "text", 1)
		assert(websocket.read(id) == "pinged")
		websocket.write(id, "bye", "text", 1)
		local data, payload = websocket.read(id)
		assert(data == false and payload == "\x0f\xa2the end", payload)
		assert(websocket.is_close(id))
		print("VERDICT ok " .. checks + 3)
		io.stdout:flush()
		skynet.abort()
	end)
end)
