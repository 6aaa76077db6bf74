-- Mutated answers for skynet.dns, from a UDP socket on loopback: none breaks the service, and a right one still counts.

local skynet = require "skynet"
local socket = require "skynet.socket"
local dns = require "skynet.dns"
local fuzz = dofile(SERVICE_PATH .. "fuzz_kit.lua")
local dns_server = dofile(SERVICE_PATH .. "dns_server.lua")

local PORT <const> = 18655
local BATCH <const> = 50	-- answers on the way at once: more might be lost

local words = { "\xc0\x0c", "\xc0\xff", "\0", "\xff\xff", "\63", "\0\1\0\1", ("\1x"):rep(100), "\0\28" }
local served = 0	-- queries
local pending	-- { query =, from = } of the query that is out
local server

local function seeds(query)
	local a = { type = 1, data = "\10\1\2\3" }
	return {
		dns_server.packet(query, { a, a }),
		dns_server.packet(query, { { type = 5, data = "\1x\xc0\x0c" }, a }),
		dns_server.packet(query, { { type = 1, data = "\1\2\3" }, { type = 28, data = ("\1"):rep(16) }, a }),
		dns_server.packet(query, {}),
	}
end

local function ask()
	served = served + 1
	local name = "n" .. served .. ".test"
	skynet.fork(function()
		local ok, ip, all = pcall(dns.resolve, name)
		if ok then
			assert(ip:find "^%d+%.%d+%.%d+%.%d+$", ip)
			assert(#all > 0)
		else
			assert(ip:find "timeout or no answer", ip)
		end
		pending = nil
	end)
end

fuzz.run(function(i)
	while pending == nil do
		ask()
		local number = served
		while pending == nil and number == served do
			skynet.sleep(1)
		end
	end
	local packet = fuzz.mutate(seeds(pending.query), words)
	fuzz.input = packet
	socket.sendto(server, pending.from, packet)
	if i % BATCH == 0 then
		skynet.sleep(0)
	end
end, function()
	server = socket.udp(function(query, from)
		pending = { query = query, from = from }
	end, "127.0.0.1", PORT)
	dns.DEFAULT_HOSTS = nil
	dns.server("127.0.0.1", PORT)
end)
