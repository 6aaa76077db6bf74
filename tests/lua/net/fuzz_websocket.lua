-- Mutated frames and handshakes for http.websocket, whose socket is a text. Each ends in one of the ways that accept and read
-- promise.

local seeds, words, at_end
local input = {}	-- fd -> read function
local closed

-- In the place of the sockets: what is read is a text, what is written goes nowhere.
package.loaded["skynet.socket"] = {
	start = function(fd) return fd end,
	close = function() closed = closed + 1 end,
	warning = function() end,
	invalid = function() return closed > 0 end,
}
at_end = setmetatable({}, { __tostring = function() return "end of input" end })
package.loaded["http.sockethelper"] = {
	socket_error = at_end,
	readfunc = function(fd) return input[fd] end,
	writefunc = function() return function() end end,
	connect = function() return 2 end,
	readall = function() return "" end,
}

local crypt = require "skynet.crypt"
local websocket = require "http.websocket"
local fuzz = dofile(SERVICE_PATH .. "fuzz_kit.lua")

local REQUEST <const> = "GET /path HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	.. "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat\r\n\r\n"

local function frame(first, payload)
	local masked = crypt.xor_str(payload, "mask")
	if #payload > 125 then
		return string.pack(">BBI2", first, 0x80 | 126, #payload) .. "mask" .. masked
	end
	return string.char(first, 0x80 | #payload) .. "mask" .. (payload == "" and "" or masked)
end

seeds = {
	frame(0x81, "hello") .. frame(0x82, "\0\1\2") .. frame(0x88, "\3\xe8bye"),
	frame(0x01, "frag") .. frame(0x00, "ment") .. frame(0x89, "ping") .. frame(0x80, "ed") .. frame(0x8a, "pong"),
	frame(0x82, ("x"):rep(300)) .. "\x81\2hi" .. "\x88\0",
	"\x82\xff\0\0\0\0\0\1\0\0mask" .. ("y"):rep(65536),
}
words = { "\x81", "\x88", "\x80", "\x00", "\xff", "\x7e\xff\xff", "\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "\x89\x7f", "\r\n", "\r\n\r\n", ":",
	"Upgrade: x\r\n", "Sec-WebSocket-Key: !\r\n" }

local errors = {
	"reserved bits are set", "control frame too long", "control frame in fragments", "invalid opcode %d+", "payload_len is",
	"continuation of nothing", "a message within another", "Invalid HTTP request line",
}

local function known(err)
	if rawequal(err, at_end) then
		return true
	end
	for _, pattern in ipairs(errors) do
		if tostring(err):find(pattern) then
			return true
		end
	end
end

local size
local handle = {
	message = function(_, data, kind)
		assert(kind == "text" or kind == "binary")
		assert(#data <= size, "a message larger than its input")
	end,
	close = function(_, code, reason)
		assert(code == nil or math.type(code) == "integer" and type(reason) == "string")
	end,
}

local function serve(fd, text, options)
	size = #text
	closed = 0
	input[fd] = fuzz.reader(text, at_end)
	local ok, err = websocket.accept(fd, handle, "ws", "addr", options)
	assert(ok or known(err), err)
	assert(closed == 1, "the socket is closed once")
	assert(websocket.is_close(fd))
end

local upgrade = { upgrade = { method = "GET", url = "/", header = {
	host = "h",
	upgrade = "websocket",
	connection = "Upgrade",
	["sec-websocket-key"] = "dGhlIHNhbXBsZSBub25jZQ==",
	["sec-websocket-version"] = "13",
} } }

fuzz.run(function(i)
	local frames = fuzz.mutate(seeds, words)
	fuzz.input = frames
	serve(1, frames, upgrade)
	if i % 4 == 0 then
		local text = fuzz.mutate({ REQUEST }, words) .. frames
		fuzz.input = text
		serve(1, text)
	end
end)
