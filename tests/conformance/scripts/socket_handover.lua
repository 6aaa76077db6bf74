-- socket: abandon, and start in another service; onclose
-- log: own
local conf = require "conf"
local skynet = require "skynet"
local socket = require "skynet.socket"

if ... == "peer" then
	conf.serve {
		take = function(fd)
			conf.out("start", socket.start(fd) == fd)
			socket.onclose(fd, function(closed)
				conf.out("onclose", closed == fd)
			end)
			conf.out("line", socket.readline(fd))
			socket.write(fd, "from the peer\n")
			conf.out("end", socket.read(fd))
			socket.close(fd)
		end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local id, _, port = socket.listen("127.0.0.1", 0)
	local me, done = {}, false
	socket.start(id, function(fd)
		skynet.call(p, "lua", "take", fd)
		done = true
		skynet.wakeup(me)
	end)
	local fd = socket.open("127.0.0.1", port)
	socket.write(fd, "to whoever it is\n")
	conf.out(socket.readline(fd))
	socket.close(fd)
	if not done then
		skynet.wait(me)
	end
	socket.close(id)
	conf.try("close_fd of one's own", function()
		local l = socket.listen("127.0.0.1", 0)
		socket.close_fd(l)
	end)
end)
