-- Stands between the debug console and a service that is debugged, for one session: lines typed there go into a
-- channel that the service reads even while it is stopped and no message can reach the stopped request.

local skynet = require "skynet"
local debugchannel = require "skynet.debugchannel"

local channel

local command = {}

-- Answered when the debugging has ended.
function command.start(address, fd)
	assert(channel == nil, "start more than once")
	skynet.error("Attach to " .. skynet.address(address))
	local handle
	channel, handle = debugchannel.create()
	local ok = pcall(skynet.call, address, "debug", "REMOTEDEBUG", fd, handle)
	if not ok then
		skynet.retpack(false, "Debugger attach failed")
	else
		skynet.retpack(true)
	end
	skynet.exit()
end

function command.cmd(line)
	channel:write(line)
end

function command.ping()
	skynet.ret()
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, cmd, ...)
		local f = assert(command[cmd], cmd)
		f(...)
	end)
end)
