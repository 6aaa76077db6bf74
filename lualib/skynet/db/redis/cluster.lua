-- A client of Redis Cluster: sends each command to the node that has its key, and follows the cluster when keys move.

local skynet = require "skynet"
local redis = require "skynet.db.redis"
local socketchannel = require "skynet.socketchannel"
local crc16 = require "skynet.db.redis.crc16"

local SLOTS <const> = 16384
local ATTEMPTS <const> = 16	-- of one command
local RETRY_PAUSE <const> = 10	-- 1/100 s, between attempts of the second half
local MAX_CONNECTIONS <const> = 256

-- Commands that are not about one key.
local not_dispatched = {
	info = true,
	multi = true,
	exec = true,
	slaveof = true,
	config = true,
	shutdown = true,
}

local cluster = {}
local client = {}

local meta = {
	-- Any other name is a command.
	__index = function(_, name)
		local method = client[name]
		if method == nil then
			method = function(self, ...)
				return self:call(name, ...)
			end
			client[name] = method
		end
		return method
	end,
}

local function node_name(host, port)
	return host .. ":" .. port
end

local function new_node(host, port)
	port = math.tointeger(tonumber(port)) or error("Invalid port of a redis node: " .. tostring(port))
	return { host = host, port = port, name = node_name(host, port), slaves = {} }
end

--- Make a client. Yields.
---@param nodes { host: string, port: integer } | { host: string, port: integer }[]    where to begin
---@param opt { max_connections: integer?, auth: string?, username: string?, db: integer?, read_slave: boolean? }?
---@param onmessage fun(data: string, channel: string, pattern: string?)?    for subscribe and psubscribe
---@return table client    each method is a command: client:set("key", "value") is client:call("set", "key", "value")
--- Source: skynet.db.redis.cluster, new.
function cluster.new(nodes, opt, onmessage)
	if nodes.host then
		nodes = { nodes }
	end
	opt = opt or {}
	local self = setmetatable({
		startup_nodes = {},
		nodes = {},	-- name -> node: all that are known
		slots = {},	-- slot -> node, its master
		connections = {},	-- name -> redis client
		connection_count = 0,
		watches = {},	-- name -> watch
		opt = opt,
		max_connections = opt.max_connections or MAX_CONNECTIONS,
		onmessage = onmessage,
		refresh_wanted = false,
		closed = false,
	}, meta)
	for i, node in ipairs(nodes) do
		self.startup_nodes[i] = new_node(node.host, node.port)
	end
	self:initialize_slots_cache()
	return self
end

-- connections

local function conf_of(self, node)
	local opt = self.opt
	-- A cluster has database 0 only.
	local db = opt.db ~= 0 and opt.db or nil
	return { host = node.host, port = node.port, auth = opt.auth, username = opt.username, db = db, overload = opt.overload }
end

local function close_one(self)
	local name, connection = next(self.connections)
	if name then
		self.connections[name] = nil
		self.connection_count = self.connection_count - 1
		connection:disconnect()
	end
end

--- The connection to a node; makes one when there is none. Yields.
---@param node { host: string, port: integer }
---@return table    a redis client
--- Errors: socketchannel.error.
function client:get_connection(node)
	local name = node.name or node_name(node.host, node.port)
	local connection = self.connections[name]
	if connection then
		return connection
	end
	while self.connection_count >= self.max_connections do
		close_one(self)
	end
	connection = redis.connect(conf_of(self, node))
	local before = self.connections[name]
	if before then
		-- Another coroutine was faster.
		connection:disconnect()
		return before
	end
	self.connections[name] = connection
	self.connection_count = self.connection_count + 1
	return connection
end

local function shuffled(nodes)
	local list = {}
	for _, node in pairs(nodes) do
		table.insert(list, math.random(#list + 1), node)
	end
	return list
end

--- A connection to any node that answers. Yields. Errors: "Can't reach a single startup node."
---@return table
function client:get_random_connection()
	local nodes = {}
	for _, node in ipairs(self.startup_nodes) do
		nodes[node.name] = node
	end
	for name, node in pairs(self.nodes) do
		nodes[name] = node
	end
	for _, node in ipairs(shuffled(nodes)) do
		local ok, connection = pcall(self.get_connection, self, node)
		if ok then
			local answered, pong = pcall(connection.ping, connection)
			if answered and pong == "PONG" then
				return connection
			end
		end
	end
	error "Can't reach a single startup node."
end

local function slave_connection(self, node)
	for _, slave in ipairs(shuffled(node.slaves)) do
		local ok, connection = pcall(self.get_connection, self, slave)
		if ok and pcall(connection.readonly, connection) then
			return connection
		end
	end
end

--- The connection to the node that has a slot; to any when that is not known or not reachable. Yields.
---@param slot integer
---@return table
function client:get_connection_by_slot(slot)
	local node = self.slots[slot]
	if node then
		local ok, connection = pcall(self.get_connection, self, node)
		if ok then
			return connection
		end
		if self.opt.read_slave then
			connection = slave_connection(self, node)
			if connection then
				return connection
			end
		end
	end
	return self:get_random_connection()
end

--- Close all connections, those of subscriptions too. Yields.
function client:close_all_connection()
	local connections, watches = self.connections, self.watches
	self.connections, self.connection_count, self.watches = {}, 0, {}
	for _, connection in pairs(connections) do
		connection:disconnect()
	end
	for _, watch in pairs(watches) do
		watch:disconnect()
	end
end

-- slots

--- The slot of a key: of what is between its first "{" and the next "}", when that is not empty.
---@param key string
---@return integer
function client:keyslot(key)
	key = tostring(key)
	local open = key:find("{", 1, true)
	if open then
		local close = key:find("}", open + 1, true)
		if close and close > open + 1 then
			key = key:sub(open + 1, close - 1)
		end
	end
	return crc16(key) % SLOTS
end

-- A node may not know its own host: then it is the one that was asked.
local function listed_node(self, entry, asked)
	local host = entry[1]
	if host == nil or host == "" or host == "?" then
		host = asked.host
	end
	local node = new_node(host, entry[2])
	local known = self.nodes[node.name] or node
	self.nodes[node.name] = known
	return known
end

local function use_slots(self, ranges, asked)
	self.slots = {}
	self.nodes = {}
	for _, range in ipairs(ranges) do
		local master = listed_node(self, range[3], asked)
		for i = 4, #range do
			local slave = listed_node(self, range[i], asked)
			master.slaves[slave.name] = slave
		end
		for slot = range[1], range[2] do
			self.slots[slot] = master
		end
	end
end

--- Read the map of slots from the first node that tells it. Yields.
function client:initialize_slots_cache()
	local nodes = { table.unpack(self.startup_nodes) }
	for _, node in pairs(self.nodes) do
		nodes[#nodes + 1] = node
	end
	for _, node in ipairs(nodes) do
		local ok, ranges = pcall(function()
			return self:get_connection(node):cluster "slots"
		end)
		if ok and pcall(use_slots, self, ranges, node) then
			self.refresh_wanted = false
			return
		end
	end
	self.refresh_wanted = true
end

--- Forget the map of slots.
function client:flush_slots_cache()
	self.slots = {}
end

-- commands

-- The key that decides where a command goes; nil: none.
local function key_of(self, cmd, args)
	if not_dispatched[cmd] then
		return nil
	end
	if cmd ~= "eval" and cmd ~= "evalsha" then
		return args[1]
	end
	local count = tonumber(args[2]) or 0
	if count < 1 then
		return nil
	end
	local slot = self:keyslot(args[3])
	for i = 4, 2 + count do
		if self:keyslot(args[i]) ~= slot then
			error(cmd .. " - all keys must map to the same key slot")
		end
	end
	return args[3]
end

-- What a node says about a command: true, reply | false, err. err is a text, a table, or socketchannel.error.
local function try(connection, asking, op)
	local ops = asking and { { "ASKING" }, op } or { op }
	local ok, replies = pcall(connection.pipeline, connection, ops, {})
	if not ok then
		return false, replies
	end
	local last = replies[#replies]
	return last.ok, last.out
end

local function to_boolean(cmd, reply)
	if cmd == "exists" or cmd == "sismember" then
		return reply ~= 0
	end
	return reply
end

--- Run a command. Yields.
---@param cmd string
---@param ... any    arguments, or one table with all
--- Errors: those of a redis client; "No way to dispatch this command to Redis Cluster: <cmd>"; "Too many Cluster
--- redirections?,maybe node is disconnected (last error: <err>)"; "Can't reach a single startup node."
function client:call(cmd, ...)
	if self.refresh_wanted then
		self:initialize_slots_cache()
	end
	local args = ...
	if type(args) ~= "table" then
		args = table.pack(...)
	end
	local lower = cmd:lower()
	local key = key_of(self, lower, args)
	if key == nil then
		error("No way to dispatch this command to Redis Cluster: " .. cmd)
	end
	local slot = self:keyslot(key)
	local n = args.n or #args
	local op = table.move(args, 1, n, 2, { cmd:upper(), n = n + 1 })
	local any, ask_node, last
	for attempt = 1, ATTEMPTS do
		local found, connection
		if ask_node then
			found, connection = pcall(self.get_connection, self, ask_node)
		elseif any then
			found, connection = true, self:get_random_connection()
		else
			found, connection = true, self:get_connection_by_slot(slot)
		end
		local ok, reply = false, connection
		if found then
			ok, reply = try(connection, ask_node ~= nil, op)
		end
		if ok then
			return to_boolean(lower, reply)
		end
		last = reply
		any, ask_node = false, nil
		local kind, moved_slot, host, port
		if type(reply) == "string" then
			kind, moved_slot, host, port = reply:match "^(%u+) (%d+) (.*):(%d+)$"
		end
		if kind == "MOVED" then
			local node = new_node(host ~= "" and host or self.slots[slot].host, port)
			self.slots[math.tointeger(tonumber(moved_slot))] = self.nodes[node.name] or node
			self.refresh_wanted = true
		elseif kind == "ASK" then
			ask_node = new_node(host, port)
		elseif reply == socketchannel.error then
			any = true
			if attempt >= ATTEMPTS // 2 then
				skynet.sleep(RETRY_PAUSE)
			end
		else
			error(reply)
		end
	end
	error(string.format("Too many Cluster redirections?,maybe node is disconnected (last error: %s)", tostring(last)))
end

-- subscriptions

local function deliver(self, watch)
	while self.onmessage and getmetatable(watch) do
		local ok, data, channel, pattern = pcall(watch.message, watch)
		if ok then
			local called, err = xpcall(self.onmessage, debug.traceback, data, channel, pattern)
			if not called then
				skynet.error("redis cluster: onmessage failed:", err)
			end
		else
			if data ~= socketchannel.error then
				skynet.error("redis cluster: watch failed:", data)
			end
			-- A server that takes connections and drops them must not make this spin.
			skynet.sleep(RETRY_PAUSE)
		end
	end
end

--- The watch of the node that has a key; its messages go to onmessage. Yields.
---@param key string
---@return table
function client:get_watch_connection(key)
	local node = self.slots[self:keyslot(key)] or self.startup_nodes[1]
	local watch = self.watches[node.name]
	if watch == nil then
		watch = redis.watch(conf_of(self, node))
		if self.watches[node.name] then
			watch:disconnect()
			return self.watches[node.name]
		end
		self.watches[node.name] = watch
		skynet.fork(deliver, self, watch)
	end
	return watch
end

for _, cmd in ipairs { "subscribe", "psubscribe", "unsubscribe", "punsubscribe" } do
	client[cmd] = function(self, ...)
		for i = 1, select("#", ...) do
			local name = select(i, ...)
			local watch = self:get_watch_connection(name)
			watch[cmd](watch, name)
		end
	end
end

return cluster
