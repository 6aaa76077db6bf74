-- Our TLS clients against servers of the test: config keys https (host:port) and wss (URL), either may be absent.

local skynet = require "skynet"
local httpc = require "http.httpc"
local websocket = require "http.websocket"
require "skynet.manager"

local function check_https(host)
	local status, body = httpc.get("https://" .. host, "/")
	assert(status == 200 and body == "hello", body)
	status, body = httpc.get("https://" .. host, "/big")
	assert(status == 200 and body == ("0123456789abcdef"):rep(65536))
	status, body = httpc.request("POST", "https://" .. host, "/echo", nil, {}, ("y"):rep(100000))
	assert(status == 200 and body == ("y"):rep(100000))
	local stream <close> = httpc.request_stream("GET", "https://" .. host, "/chunked")
	local parts = {}
	for part in stream do
		parts[#parts + 1] = part
	end
	assert(parts[1] == "part 1 " and #parts == 101)
	-- A server that speaks no TLS waits for the end of a header, and a client that does not is closed.
	httpc.timeout = 50
	local plain = skynet.getenv "plain"
	assert(not pcall(httpc.get, "https://" .. plain, "/"))
	assert(not pcall(httpc.get, host, "/"))
end

local function check_wss(url)
	local id = websocket.connect(url)
	for _, size in ipairs { 0, 1, 126, 65536, 200000 } do
		local data = ("x"):rep(size)
		websocket.write(id, data, "binary", 0x01020304)
		assert(websocket.read(id) == data, size)
	end
	websocket.close(id, 1000, "done")
end

skynet.start(function()
	skynet.fork(function()
		local https, wss = skynet.getenv "https", skynet.getenv "wss"
		if https then
			check_https(https)
		end
		if wss then
			check_wss(wss)
		end
		print "VERDICT ok 1"
		io.stdout:flush()
		skynet.abort()
	end)
end)
