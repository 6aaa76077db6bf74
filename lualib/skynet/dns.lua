-- Resolve host names without blocking the thread: the hosts file, a cache, then one DNS server over UDP.
--
-- An answer counts when it comes from the server, and has the id and the question of a query that is out; anything else is
-- dropped, so that neither garbage nor a guess of a stranger ends a query.

local skynet = require "skynet"
local socket = require "skynet.socket"

local PORT <const> = 53
local TIMEOUT <const> = 30 * 100	-- of a query, 1/100 s
local CHECK_INTERVAL <const> = 120 * 100	-- of the idle socket
local IDLE <const> = 60 * 100
local NAME_MAX <const> = 1024
local LABEL_MAX <const> = 63
local CACHE_MAX <const> = 4096	-- names; a service that asks for more begins anew
local TTL_MAX <const> = 0x7fffffff	-- a TTL with the high bit set counts as 0 (RFC 2181, 8)

local A <const> = 1
local AAAA <const> = 28
local IN <const> = 1
local RESPONSE_FLAG <const> = 0x8000
local RECURSION_FLAG <const> = 0x0100

local dns = {
	DEFAULT_HOSTS = "/etc/hosts",	-- nil: none
	DEFAULT_RESOLV_CONF = "/etc/resolv.conf",
}

local caches	-- qtype -> name -> { addresses =, expires = 1/100 s }
local cached_names	-- in both
local hosts	-- qtype -> name -> { ip, ... }, once it is read
local server	-- { ip =, port =, id = of the open socket, address = ip as the socket reports it, used = }
local queries = {}	-- id -> { name =, qtype =, co =, addresses =, ttl = }
local last_id = 0

--- Forget what servers have answered.
function dns.flush()
	caches = { [A] = {}, [AAAA] = {} }
	cached_names = 0
end

dns.flush()

-- names

local function is_address(name)
	return name:find(":", 1, true) or name:find "^[%d.]+$"
end

-- A lower-case name as in a query, or nil.
local function encode_name(name)
	if #name > NAME_MAX or name == "" or name:find "[^_a-z0-9%-.]" then
		return nil
	end
	local labels = {}
	for label in name:gsub("%.$", ""):gmatch "[^.]*" do
		if #label > LABEL_MAX or label == "" then
			return nil
		end
		labels[#labels + 1] = string.pack("s1", label)
	end
	return table.concat(labels) .. "\0"
end

-- The place after a name in a packet. Pointers are not followed: nobody asks what the name says.
local function skip_name(packet, pos)
	while true do
		local size = packet:byte(pos) or error "name ends early"
		if size == 0 then
			return pos + 1
		elseif size >= 0xc0 then
			return pos + 2
		elseif size > LABEL_MAX then
			error "invalid label"
		end
		pos = pos + 1 + size
	end
end

-- files

local function read_hosts()
	hosts = { [A] = {}, [AAAA] = {} }
	local file = dns.DEFAULT_HOSTS and io.open(dns.DEFAULT_HOSTS)
	if not file then
		return
	end
	for line in file:lines() do
		local ip, names = line:gsub("#.*", ""):match "^%s*([%x:.]+)%s+(.*)"
		if ip then
			local by_name = hosts[ip:find(":", 1, true) and AAAA or A]
			for name in names:lower():gmatch "%S+" do
				local list = by_name[name] or {}
				by_name[name] = list
				list[#list + 1] = ip
			end
		end
	end
	file:close()
end

local function first_nameserver()
	local file = dns.DEFAULT_RESOLV_CONF and io.open(dns.DEFAULT_RESOLV_CONF)
	if not file then
		return
	end
	local ip
	for line in file:lines() do
		ip = line:match "^%s*nameserver%s+(%S+)"
		if ip then
			break
		end
	end
	file:close()
	return ip
end

-- answers

local function ipv6_text(data)
	return string.format("%x:%x:%x:%x:%x:%x:%x:%x", string.unpack(">I2I2I2I2I2I2I2I2", data))
end

-- Read what an answer adds to a query; throws when the packet ends early.
local function read_answers(packet, pos, count, query)
	local size = query.qtype == A and 4 or 16
	for _ = 1, count do
		pos = skip_name(packet, pos)
		local qtype, class, ttl, data
		qtype, class, ttl, data, pos = string.unpack(">I2I2I4s2", packet, pos)
		ttl = ttl <= TTL_MAX and ttl or 0
		query.ttl = math.min(query.ttl or ttl, ttl)
		if qtype == query.qtype and class == IN and #data == size then
			local addresses = query.addresses
			addresses[#addresses + 1] = size == 4 and string.format("%d.%d.%d.%d", data:byte(1, 4)) or ipv6_text(data)
		end
	end
end

-- The query that a packet answers, the number of answers and where they begin.
local function match_query(packet)
	local id, flags, questions, answers, _, _, pos = string.unpack(">I2I2I2I2I2I2", packet)
	local query = queries[id]
	if query == nil or flags & RESPONSE_FLAG == 0 or questions ~= 1 then
		error "answer to no query"
	end
	local question = query.question
	if packet:sub(pos, pos + #question - 1):lower() ~= question:lower() then
		error "answer to another question"
	end
	return query, answers, pos + #question
end

local function on_packet(packet, from)
	local ip, port = socket.udp_address(from)
	if server == nil or ip ~= server.address or port ~= server.port then
		return
	end
	local ok, query, count, pos = pcall(match_query, packet)
	if not ok then
		skynet.error("DNS: dropped a packet:", query)
		return
	end
	-- What comes before a break counts; an answer without any address fails the query at once.
	local complete, err = pcall(read_answers, packet, pos, count, query)
	if not complete then
		skynet.error("DNS: answer for", query.name, "is malformed:", err)
	end
	query.done = true
	queries[query.id] = nil
	skynet.wakeup(query.co)
end

-- the server's socket

local function close_idle(used_server)
	if used_server ~= server or server.id == nil then
		return
	end
	if next(queries) == nil and skynet.now() - server.used > IDLE then
		local id = server.id
		server.id = nil
		server.address = nil
		socket.close(id)
	else
		skynet.timeout(CHECK_INTERVAL, function()
			close_idle(used_server)
		end)
	end
end

local function open_server()
	server.used = skynet.now()
	if server.id and not socket.invalid(server.id) then
		return server.id
	end
	local ip, port = server.ip, server.port
	local id = socket.udp_dial(ip, port, on_packet)
	server.id = id
	server.address = socket.resolve(ip)[1]
	skynet.error(string.format("Udp server open %s:%s (%d)", ip, port, id))
	local this = server
	skynet.timeout(CHECK_INTERVAL, function()
		close_idle(this)
	end)
	return id
end

local function send(packet)
	if not socket.write(open_server(), packet) then
		-- An error has closed it.
		socket.close(server.id)
		socket.write(open_server(), packet)
	end
end

--- Set the server to ask.
---@param ip string?    nil: the first nameserver of dns.DEFAULT_RESOLV_CONF
---@param port integer?    53
--- Errors: "Call dns.server first" when there is none. Source: skynet.dns, server.
function dns.server(ip, port)
	local before = server
	ip = ip or first_nameserver() or error "Call dns.server first"
	server = { ip = ip, port = port or PORT }
	if before and before.id then
		skynet.fork(socket.close, before.id)
	end
end

-- queries

local function new_id()
	repeat
		last_id = last_id % 0xffff + 1
	until queries[last_id] == nil
	return last_id
end

-- The addresses and their TTL in seconds; nothing when there is no answer. Yields.
local function ask(name, encoded, qtype)
	if server == nil then
		dns.server()
	end
	local id = new_id()
	local question = encoded .. string.pack(">I2I2", qtype, IN)
	local co = coroutine.running()
	local query = { id = id, name = name, question = question, qtype = qtype, co = co, addresses = {}, done = false }
	queries[id] = query
	local header = string.pack(">I2I2I2I2I2I2", id, RECURSION_FLAG, 1, 0, 0, 0)
	local sent, err = pcall(send, header .. question)
	if not sent then
		queries[id] = nil
		error(err, 0)
	end
	skynet.sleep(TIMEOUT, co)
	if not query.done then
		queries[id] = nil
		skynet.error("DNS query", name, "timeout")
	elseif #query.addresses > 0 then
		return query.addresses, query.ttl
	end
end

--- Resolve a host name. Yields.
---@param name string
---@param ipv6 boolean?
---@return string? ip    the first; an address is returned as it is
---@return string[] | string | nil addresses    all; "illegal name" when ip is nil
--- Errors: "timeout or no answer", "Call dns.server first". Source: skynet.dns, resolve.
function dns.resolve(name, ipv6)
	if is_address(name) then
		return name
	end
	name = name:lower()
	local encoded = encode_name(name)
	if encoded == nil then
		return nil, "illegal name"
	end
	local qtype = ipv6 and AAAA or A
	if hosts == nil then
		read_hosts()
	end
	local known = hosts[qtype][name]
	if known then
		return known[1], known
	end
	local cached = caches[qtype][name]
	if cached and skynet.now() < cached.expires then
		return cached.addresses[1], cached.addresses
	end
	local addresses, ttl = ask(name, encoded, qtype)
	if addresses then
		cached_names = cached and cached_names or cached_names + 1
		if cached_names > CACHE_MAX then
			dns.flush()
		end
		caches[qtype][name] = { addresses = addresses, expires = skynet.now() + ttl * 100 }
	elseif cached then
		addresses = cached.addresses
	else
		error "timeout or no answer"
	end
	return addresses[1], addresses
end

return dns
