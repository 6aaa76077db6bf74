-- What services have sent before they got stuck in a message is dispatched as long as workers are free. The relay and the
-- two that are stuck are arranged so that the idle worker which looks after the others is taken by one of them.
local skynet = require "skynet"
local kit = dofile(SERVICE_PATH .. "../test_kit.lua")

local ROUNDS <const> = 200
local GIVE_UP <const> = 20e9		-- nanoseconds

local function spin(ns, done)
	local from = skynet.hpc()
	while skynet.hpc() - from < ns do
		if done and skynet.getenv(done) then
			return true
		end
	end
	return done == nil
end

local command = {}

function command.nothing() end

function command.tell(done)
	skynet.setenv(done, "yes")
end

function command.stuck(done)
	return spin(GIVE_UP, done)
end

-- The first message wakes a worker, which finds it and then looks after this one; the second is kept for this worker; the
-- third wakes that other worker again, and it gets stuck as well.
function command.send(done, idle, teller, other)
	skynet.send(idle, "lua", "nothing")
	spin(3e6)
	skynet.send(teller, "lua", "tell", done)
	skynet.send(other, "lua", "stuck", done)
	return spin(GIVE_UP, done)
end

if ... == "peer" then
	kit.serve(command)
	return
end

kit.case("what was sent before is dispatched", function()
	local peers = {}
	for i = 1, 4 do
		peers[i] = kit.peer "peer"
	end
	for i = 1, ROUNDS do
		kit.equal(skynet.call(peers[1], "lua", "send", "done" .. i, peers[2], peers[3], peers[4]), true, "round " .. i)
	end
end)

kit.run()
