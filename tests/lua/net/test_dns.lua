-- skynet.dns against a server of our own, which also answers with garbage.

local skynet = require "skynet"
local socket = require "skynet.socket"
local dns = require "skynet.dns"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")
local net = dofile(SERVICE_PATH .. "net_kit.lua")
local dns_server = dofile(SERVICE_PATH .. "dns_server.lua")

local ok, equal, case = kit.ok, kit.equal, kit.case
local packet = dns_server.packet

local PORT <const> = 18653
local A <const>, CNAME <const>, AAAA <const> = 1, 5, 28

local hosts_path	-- a file of ours
local queries = {}	-- all that came
local answers = {}	-- name -> f(query, respond)

local function answer(query, respond, from)
	queries[#queries + 1] = query
	local f = answers[dns_server.question(query)]
	if f then
		f(query, respond, from)
	else
		respond(packet(query, {}, { flags = 0x8183 }))
	end
end

local function a(...)
	return { type = A, data = string.char(...) }
end

case("a query is as the protocol wants it", function()
	answers["example.test"] = function(query, respond)
		respond(packet(query, { a(10, 1, 2, 3), a(10, 1, 2, 4) }))
	end
	local first, all = dns.resolve "Example.Test"
	equal(first, "10.1.2.3")
	equal(all, { "10.1.2.3", "10.1.2.4" })
	equal(queries[1], "\0\1\1\0\0\1\0\0\0\0\0\0\7example\4test\0\0\1\0\1")
end)

case("an answer is kept for its time, and used longer when the server fails", function()
	local calls = 0
	answers["cached.test"] = function(query, respond)
		calls = calls + 1
		if calls == 1 then
			respond(packet(query, { { type = CNAME, ttl = 5000, data = "\1x\0" }, { type = A, ttl = 1, data = "\1\2\3\4" } }))
		else
			respond(packet(query, {}))
		end
	end
	equal(dns.resolve "cached.test", "1.2.3.4")
	equal(dns.resolve "cached.test", "1.2.3.4")
	equal(calls, 1)
	skynet.sleep(110)
	equal(dns.resolve "cached.test", "1.2.3.4")
	equal(calls, 2)
	dns.flush()
	kit.raises("timeout or no answer", dns.resolve, "cached.test")
	equal(calls, 3)
end)

case("IPv6", function()
	answers["six.test"] = function(query, respond)
		local _, qtype = dns_server.question(query)
		equal(qtype, AAAA)
		respond(packet(query, { { type = AAAA, data = "\x20\x01\x0d\xb8" .. ("\0"):rep(11) .. "\1" } }))
	end
	equal(dns.resolve("six.test", true), "2001:db8:0:0:0:0:0:1")
end)

case("addresses are returned as they are, and names that cannot be are not asked for", function()
	local before = #queries
	equal({ dns.resolve "127.0.0.1" }, { "127.0.0.1" })
	equal({ dns.resolve "::1" }, { "::1" })
	for _, name in ipairs { "a b", "a!b", ("x"):rep(64) .. ".test", ("x."):rep(600), "a..b", ".a", "" } do
		equal({ dns.resolve(name) }, { nil, "illegal name" }, name)
	end
	equal(#queries, before)
end)

case("no address is a failure at once", function()
	local start = skynet.now()
	kit.raises("timeout or no answer", dns.resolve, "nothing.test")
	ok(skynet.now() - start < 500)
end)

case("garbage does not end a query", function()
	local long_name = ("\63" .. ("x"):rep(63)):rep(4)
	answers["garbage.test"] = function(query, respond)
		respond ""
		respond "\0"
		respond(query)
		respond(query:sub(1, 12))
		respond(packet(query, { a(6, 6, 6, 6) }, { id = 0xffff }))
		respond(packet(query, { a(6, 6, 6, 6) }, { flags = 0x0100 }))
		respond(packet(query, { a(6, 6, 6, 6) }, { questions = 0, question = "" }))
		respond(packet(query, { a(6, 6, 6, 6) }, { questions = 2 }))
		respond(packet(query, { a(6, 6, 6, 6) }, { question = "\5other\4test\0\0\1\0\1" }))
		respond(packet(query, { a(6, 6, 6, 6) }, { question = "\7garbage\4test\0\0\28\0\1" }))
		respond(packet(query, { a(6, 6, 6, 6) }, { question = "\xc0\x0c\0\1\0\1" }))
		respond(packet(query, { a(6, 6, 6, 6) }, { question = long_name }))
		respond(packet(query, { a(7, 7, 7, 7) }))
	end
	equal(dns.resolve "garbage.test", "7.7.7.7")
end)

case("a stranger does not answer", function()
	local stranger = socket.udp(function() end, "127.0.0.1", PORT + 1)
	answers["stranger.test"] = function(query, respond, from)
		socket.sendto(stranger, from, packet(query, { a(6, 6, 6, 6) }))
		-- The stranger's packet is on its way first.
		skynet.timeout(2, function()
			respond(packet(query, { a(8, 8, 8, 8) }))
		end)
	end
	equal(dns.resolve "stranger.test", "8.8.8.8")
	socket.close(stranger)
end)

case("an answer that breaks off counts as far as it goes", function()
	local whole
	answers["broken.test"] = function(query, respond)
		whole = packet(query, { a(1, 1, 1, 1), a(2, 2, 2, 2) })
		respond(whole:sub(1, -3))
	end
	local _, all = dns.resolve "broken.test"
	equal(all, { "1.1.1.1" })
	answers["liar.test"] = function(query, respond)
		respond(packet(query, { a(3, 3, 3, 3) }, { count = 65535 }))
	end
	_, all = dns.resolve "liar.test"
	equal(all, { "3.3.3.3" })
	answers["pointers.test"] = function(query, respond)
		respond(packet(query, { { name = "\xc0\x0e\xc0\x0c", type = A, data = "\1\1\1\1" } }))
	end
	kit.raises("timeout or no answer", dns.resolve, "pointers.test")
	answers["wrongsize.test"] = function(query, respond)
		respond(packet(query, { a(1, 1, 1), a(1, 1, 1, 1, 1), { type = A, class = 3, data = "\1\1\1\1" }, a(5, 5, 5, 5) }))
	end
	_, all = dns.resolve "wrongsize.test"
	equal(all, { "5.5.5.5" })
end)

case("many names at once", function()
	local tasks = {}
	for i = 1, 200 do
		answers["n" .. i .. ".test"] = function(query, respond)
			respond(packet(query, { a(10, 0, 0, i % 256) }))
		end
		tasks[i] = net.spawn(dns.resolve, "n" .. i .. ".test")
	end
	for i = 1, 200 do
		equal(tasks[i].wait(), "10.0.0." .. i % 256)
	end
end)

-- The times are too long to wait for: those of the module pass as fast as the test wants.
case("a server that does not answer is given up, and its old answer used", function()
	local sleep = skynet.sleep
	skynet.sleep = function(ti, token)
		return sleep(ti == 3000 and 10 or ti, token)
	end
	answers["silent.test"] = function() end
	kit.raises("timeout or no answer", dns.resolve, "silent.test")
	answers["silent.test"] = function(query, respond)
		respond(packet(query, { { type = A, ttl = 0, data = "\1\1\1\1" } }))
	end
	equal(dns.resolve "silent.test", "1.1.1.1")
	answers["silent.test"] = function() end
	equal(dns.resolve "silent.test", "1.1.1.1")
	skynet.sleep = sleep
end)

case("the socket is closed when it is idle, and opened again", function()
	local function sockets()
		local n = 0
		for _, entry in ipairs(socket.netstat()) do
			n = n + (entry.type == "UDP" and 1 or 0)
		end
		return n
	end
	local timeout, now = skynet.timeout, skynet.now
	local check
	dns.server("127.0.0.1", PORT)
	skynet.sleep(2)
	local before = sockets()
	skynet.timeout = function(ti, f)
		check = f
		equal(ti, 12000)
	end
	answers["idle.test"] = function(query, respond)
		respond(packet(query, { a(1, 1, 1, 1) }))
	end
	equal(dns.resolve "idle.test", "1.1.1.1")
	equal(sockets(), before + 1)
	local first = check
	first()
	ok(check ~= first, "looked at again later")
	skynet.now = function() return now() + 6100 end
	check()
	skynet.timeout, skynet.now = timeout, now
	net.until_true(function() return sockets() == before end)
	dns.flush()
	equal(dns.resolve "idle.test", "1.1.1.1")
end)

case("the hosts file comes first", function()
	local before = #queries
	equal(dns.resolve "LocalHost.Test", "127.9.9.9")
	equal(dns.resolve("localhost.test", true), "::9")
	os.remove(hosts_path)
	equal(#queries, before)
end)

case("the server can be changed, and resolv.conf names one", function()
	local other = dns_server.start(PORT + 2, function(query, respond)
		respond(packet(query, { a(9, 9, 9, 9) }))
	end)
	dns.server("127.0.0.1", PORT + 2)
	equal(dns.resolve "other.test", "9.9.9.9")
	socket.close(other)
	local path = os.tmpname()
	local file = assert(io.open(path, "w"))
	file:write "# nothing\n"
	file:close()
	dns.DEFAULT_RESOLV_CONF = path
	kit.raises("Call dns.server first", dns.server)
	dns.DEFAULT_RESOLV_CONF = nil
	kit.raises("Call dns.server first", dns.server)
	os.remove(path)
end)

kit.run(function()
	local path = os.tmpname()
	local file = assert(io.open(path, "w"))
	file:write "127.9.9.9 localhost.test other # comment\n\n::9 localhost.test\nnonsense\n"
	file:close()
	dns.DEFAULT_HOSTS = path
	-- The file is read when the first name is looked up.
	hosts_path = path
	dns_server.start(PORT, answer)
	dns.server("127.0.0.1", PORT)
end)
