-- Owns the gate and knows all agents: one for each client. What one says is for all.

local skynet = require "skynet"

local gate
local agents = {}	-- fd -> handle; false while the agent starts

local event = {}

local function leave(fd)
	local agent = agents[fd]
	if agent == nil then
		return
	end
	agents[fd] = nil
	skynet.error(string.format("client %d goes", fd))
	-- The gate keeps the descriptor until it is told that nobody needs it.
	skynet.call(gate, "lua", "kick", fd)
	if agent then
		skynet.send(agent, "lua", "leave")
	end
end

function event.open(fd)
	skynet.error(string.format("client %d comes", fd))
	agents[fd] = false
	local agent = skynet.newservice "agent"
	if agents[fd] == nil then
		-- Gone meanwhile.
		skynet.send(agent, "lua", "leave")
		return
	end
	agents[fd] = agent
	-- The agent asks the gate for the client's packets; the gate may know already that he is gone.
	pcall(skynet.call, agent, "lua", "start", { gate = gate, fd = fd, watchdog = skynet.self() })
end

function event.close(fd)
	leave(fd)
end

function event.error(fd, text)
	skynet.error(string.format("client %d is lost: %s", fd, text))
	leave(fd)
end

function event.warning(fd, kib)
	-- Who does not read is not waited for.
	if kib > 0 then
		leave(fd)
	end
end

local command = {}

function command.start(conf)
	gate = skynet.newservice "gate"
	return skynet.call(gate, "lua", "open", conf)
end

function command.say(text)
	for _, agent in pairs(agents) do
		if agent then
			skynet.send(agent, "lua", "hear", text)
		end
	end
end

skynet.start(function()
	skynet.dispatch("lua", function(session, _, cmd, what, ...)
		if cmd == "socket" then
			local f = event[what]
			if f then
				f(...)
			end
		elseif session == 0 then
			command[cmd](what, ...)
		else
			skynet.retpack(command[cmd](what, ...))
		end
	end)
end)
