-- A DNS server for tests: answer(query, respond, from) decides what is sent. Loaded with dofile.

local socket = require "skynet.socket"

local dns_server = {}

--- A packet that answers a query.
---@param query string
---@param records { type: integer, ttl: integer?, data: string, name: string?, class: integer? }[]
---@param fields table?    id, flags, question to put instead of the right ones
function dns_server.packet(query, records, fields)
	fields = fields or {}
	local id = fields.id or string.unpack(">I2", query)
	local parts = {
		string.pack(">I2I2I2I2I2I2", id, fields.flags or 0x8180, fields.questions or 1, fields.count or #records, 0, 0),
		fields.question or query:sub(13),
	}
	for _, record in ipairs(records) do
		parts[#parts + 1] = record.name or "\xc0\x0c"
		parts[#parts + 1] = string.pack(">I2I2I4s2", record.type, record.class or 1, record.ttl or 60, record.data)
	end
	return table.concat(parts)
end

--- The name that a query asks for, and its type.
function dns_server.question(query)
	local labels = {}
	local pos = 13
	while query:byte(pos) ~= 0 do
		local label
		label, pos = string.unpack("s1", query, pos)
		labels[#labels + 1] = label
	end
	return table.concat(labels, "."), (string.unpack(">I2", query, pos + 1))
end

--- Answer queries on a port with answer(query, respond(packet), from).
function dns_server.start(port, answer)
	local id
	id = socket.udp(function(query, from)
		answer(query, function(packet)
			socket.sendto(id, from, packet)
		end, from)
	end, "127.0.0.1", port)
	return id
end

return dns_server
