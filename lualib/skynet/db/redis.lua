-- A client of Redis (RESP2) on an ordered socketchannel.

local socketchannel = require "skynet.socketchannel"

local PORT <const> = 6379
local DEPTH_MAX <const> = 64	-- of arrays in a reply; what Redis sends is far below
local CR <const> = 13
local LF <const> = 10

local redis = {}

-- replies

-- By the first byte of a line: f(sock, rest of the line, depth) -> ok, value
local readers = {}

local function read_reply(sock, depth)
	local line = sock:readline "\r\n"
	local reader = readers[line:byte(1)]
	if reader == nil then
		error(string.format("Invalid redis reply %q", line:sub(1, 32)))
	end
	return reader(sock, line:sub(2), depth or 0)
end

local function read_size(text)
	local size = #text < 12 and text:find "^-?%d+$" and math.tointeger(tonumber(text))
	if not size or size < -1 then
		error(string.format("Invalid size %q in a redis reply", text:sub(1, 32)))
	end
	return size
end

readers[("+"):byte()] = function(_, text)
	return true, text
end

readers[("-"):byte()] = function(_, text)
	return false, text
end

readers[(":"):byte()] = function(_, text)
	local n = text:find "^[+-]?%d+$" and tonumber(text)
	if not n then
		error(string.format("Invalid number %q in a redis reply", text:sub(1, 32)))
	end
	return true, n
end

readers[("$"):byte()] = function(sock, text)
	local size = read_size(text)
	if size < 0 then
		return true, nil
	end
	local data = sock:read(size + 2)
	if data:byte(-2) ~= CR or data:byte(-1) ~= LF then
		error "Invalid end of a string in a redis reply"
	end
	return true, data:sub(1, -3)
end

readers[("*"):byte()] = function(sock, text, depth)
	local n = read_size(text)
	if n < 0 then
		return true, nil
	end
	if depth >= DEPTH_MAX then
		error "Too many nested arrays in a redis reply"
	end
	local list = {}
	local all_ok = true
	for i = 1, n do
		local ok, value = read_reply(sock, depth + 1)
		all_ok = all_ok and ok
		list[i] = value
	end
	return all_ok, list
end

local function read_response(sock)
	return read_reply(sock, 0)
end

local function read_boolean(sock)
	local ok, value = read_reply(sock, 0)
	if ok then
		return true, value ~= 0
	end
	return false, value
end

-- commands

local sizes = setmetatable({}, {
	__index = function(self, n)
		local text = "\r\n$" .. n .. "\r\n"
		if n < 1024 then
			self[n] = text
		end
		return text
	end,
})

-- Append one command to a list of strings: cmd and args[1..n].
local function compose(list, cmd, args, n)
	local at = #list
	list[at + 1] = "*" .. n + 1
	list[at + 2] = sizes[#cmd]
	list[at + 3] = cmd
	at = at + 3
	for i = 1, n do
		local arg = args[i]
		if arg == nil then
			list[at + 1] = "\r\n$-1"
			at = at + 1
		else
			arg = tostring(arg)
			list[at + 1] = sizes[#arg]
			list[at + 2] = arg
			at = at + 2
		end
	end
	list[at + 1] = "\r\n"
	return list
end

-- As the methods take them: (a, b, ...), or one table with all; nil as the first: none.
local function compose_call(cmd, first, ...)
	if first == nil then
		return compose({}, cmd, {}, 0)
	elseif type(first) == "table" then
		return compose({}, cmd, first, first.n or #first)
	end
	return compose({}, cmd, { first, ... }, select("#", ...) + 1)
end

-- What each connection begins with.
local function login(conf)
	if conf.auth == nil and conf.db == nil then
		return nil
	end
	return function(channel)
		if conf.auth then
			if conf.username then
				channel:request(compose_call("AUTH", conf.username, conf.auth), read_response)
			else
				channel:request(compose_call("AUTH", conf.auth), read_response)
			end
		end
		if conf.db then
			channel:request(compose_call("SELECT", conf.db), read_response)
		end
	end
end

-- The client is { channel }.
local client = {}

local meta = {
	-- Any other name is a command.
	__index = function(_, name)
		local method = client[name]
		if method == nil then
			local cmd = name:upper()
			method = function(self, ...)
				return self[1]:request(compose_call(cmd, ...), read_response)
			end
			client[name] = method
		end
		return method
	end,
}

--- Connect to a server. Yields.
---@class redis_conf
---@field host string
---@field port integer?    6379
---@field auth string?    password
---@field username string?
---@field db integer?
---@field overload fun(overloaded: boolean)?
---@param conf redis_conf
---@return table client    each method is a command: client:set("key", "value")
--- Errors: socketchannel.error. Methods throw the text of an error reply, or the array that holds one, and socketchannel.error
--- when the connection is lost; the next call connects again. Source: skynet.db.redis, connect.
function redis.connect(conf)
	local channel = socketchannel.channel {
		host = conf.host,
		port = conf.port or PORT,
		auth = login(conf),
		nodelay = true,
		overload = conf.overload,
	}
	channel:connect(true)
	return setmetatable({ channel }, meta)
end

--- Close the connection. The client is of no use afterwards.
function client:disconnect()
	self[1]:close()
	setmetatable(self, nil)
end

--- ->boolean
function client:exists(...)
	return self[1]:request(compose_call("EXISTS", ...), read_boolean)
end

--- -> boolean
function client:sismember(...)
	return self[1]:request(compose_call("SISMEMBER", ...), read_boolean)
end

--- Send commands together. Yields.
---@param ops any[][]    { cmd, args... } each; cmd is sent as it is
---@param resp table?    gets { ok = boolean, out = any } for each
---@return any    resp; without it, the last reply
--- Errors: "pipeline is null"; without resp, an error as last reply.
function client:pipeline(ops, resp)
	local n = #ops
	if n == 0 then
		error "pipeline is null"
	end
	local list = {}
	for i = 1, n do
		local op = ops[i]
		compose(list, tostring(op[1]), { table.unpack(op, 2, op.n) }, (op.n or #op) - 1)
	end
	return self[1]:request(list, function(sock)
		local ok, out
		for _ = 1, n do
			ok, out = read_response(sock)
			if resp then
				resp[#resp + 1] = { ok = ok, out = out }
			end
		end
		if resp then
			return true, resp
		end
		return ok, out
	end)
end

-- subscriptions

local watch = {}
local watch_meta = { __index = watch }

--- Connect for subscriptions. Yields.
---@param conf redis_conf
---@return table watch
function redis.watch(conf)
	local self = { names = { SUBSCRIBE = {}, PSUBSCRIBE = {} } }
	local authenticate = login(conf)
	local channel = socketchannel.channel {
		host = conf.host,
		port = conf.port or PORT,
		nodelay = true,
		overload = conf.overload,
		auth = function(channel)
			if authenticate then
				authenticate(channel)
			end
			for cmd, names in pairs(self.names) do
				for name in pairs(names) do
					channel:request(compose_call(cmd, name))
				end
			end
		end,
	}
	self[1] = channel
	channel:connect(true)
	return setmetatable(self, watch_meta)
end

--- Close the connection. The watch is of no use afterwards.
function watch:disconnect()
	self[1]:close()
	setmetatable(self, nil)
end

local function subscription(name, cmd, wanted)
	watch[name] = function(self, ...)
		for i = 1, select("#", ...) do
			local channel_name = select(i, ...)
			self.names[cmd][channel_name] = wanted
			self[1]:request(compose_call(name:upper(), channel_name))
		end
	end
end

-- (names...); the answers are not waited for, and what is subscribed is so again after a reconnect.
subscription("subscribe", "SUBSCRIBE", true)
subscription("psubscribe", "PSUBSCRIBE", true)
subscription("unsubscribe", "SUBSCRIBE", nil)
subscription("punsubscribe", "PSUBSCRIBE", nil)

--- Wait for a message. Yields.
---@return string data
---@return string channel
---@return string? pattern
--- Errors: socketchannel.error when the connection is lost; the next call connects again, as often as it takes.
function watch:message()
	while true do
		local reply = self[1]:response(read_response)
		if type(reply) == "table" then
			if reply[1] == "message" then
				return reply[3], reply[2]
			elseif reply[1] == "pmessage" then
				return reply[4], reply[3], reply[2]
			end
		end
	end
end

return redis
