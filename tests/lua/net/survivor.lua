-- A server of lines that clients of all kinds try to break; prints READY <port>. A line is a command:
--   echo <text>     is answered with the text
--   big <n>         with n KiB
--   deaf            is answered, and nothing is read after it
--   state           with the sockets of the node but this connection, and the KB of this VM
--   holder          starts a service with sockets of all kinds, and answers with its address once it has them
--   kill <address>  kills a service

local skynet = require "skynet"
local socket = require "skynet.socket"
require "skynet.manager"

if ... == "holder" then
	-- Sockets in every state: a listener not started, a listener, a client, one accepted and not started, one accepted, one with
	-- unsent data, one that connects, UDP; the two ends of a connection that the library no longer knows, of which nobody reads.
	skynet.start(function()
		socket.listen("127.0.0.1", 0)
		local accepted = {}
		local id, _, port = socket.listen("127.0.0.1", 0, 1)
		socket.start(id, function(fd)
			accepted[#accepted + 1] = fd
		end)
		local client
		for _ = 1, 4 do
			client = assert(socket.open("127.0.0.1", port))
		end
		while #accepted < 4 do
			skynet.sleep(1)
		end
		for _, fd in ipairs { client, assert(socket.start(accepted[4])) } do
			socket.pause(fd)
			socket.abandon(fd)
		end
		socket.start(accepted[2])
		socket.start(accepted[3])
		for _ = 1, 8 do
			socket.write(accepted[3], ("x"):rep(1024 * 1024))
		end
		-- Nobody accepts these any more: at some point a connect hangs.
		local backlog, _, full = socket.listen("127.0.0.1", 0, 1)
		for _ = 1, 4 do
			skynet.fork(socket.open, "127.0.0.1", full)
		end
		socket.udp(function() end, "127.0.0.1", 0)
		socket.udp_dial("127.0.0.1", 9, function() end)
		skynet.dispatch("lua", function()
			skynet.retpack(backlog)
		end)
	end)
	return
end

local LINE_MAX <const> = 64 * 1024

local command = {}

function command.echo(fd, text)
	socket.write(fd, text .. "\n")
end

function command.big(fd, kib)
	local block = ("x"):rep(1024)
	for i = 1, math.tointeger(tonumber(kib)) do
		if not socket.write(fd, block) then
			return
		end
		if i % 256 == 0 then
			-- Lets a warning come.
			skynet.yield()
		end
	end
end

function command.deaf(fd)
	socket.limit(fd)
	socket.write(fd, "deaf\n")
	skynet.wait {}
end

function command.state(fd)
	collectgarbage()
	collectgarbage()
	local n = 0
	for _, entry in ipairs(socket.netstat()) do
		n = n + (entry.id ~= fd and 1 or 0)
	end
	socket.write(fd, string.format("%d %d\n", n, collectgarbage "count" // 1))
end

function command.holder(fd)
	socket.write(fd, skynet.address(skynet.newservice("survivor", "holder")) .. "\n")
end

function command.kill(fd, address)
	skynet.kill(address)
	socket.write(fd, "killed\n")
end

local function serve(fd)
	socket.limit(fd, LINE_MAX)
	socket.warning(fd, function(_, kib)
		-- A client that does not read is not waited for.
		if kib > 4096 then
			socket.shutdown(fd)
		end
	end)
	while true do
		local line = socket.readline(fd)
		if not line then
			break
		end
		local name, argument = line:match "^(%a+) ?(.*)$"
		local f = command[name]
		if f == nil then
			break
		end
		f(fd, argument)
	end
end

skynet.start(function()
	local id, _, port = socket.listen("127.0.0.1", 0, 1024)
	socket.start(id, function(fd)
		skynet.fork(function()
			if socket.start(fd) then
				serve(fd)
				socket.close(fd)
			end
		end)
	end)
	io.stdout:write("READY " .. port .. "\n")
	io.stdout:flush()
end)
