-- Feeds mutated seri streams to skynet.unpack, as messages (so that each lies in a block of its own size) and as strings.
-- Every input must end in values or in an error.
local skynet = require "skynet"
require "skynet.manager"

local ROUNDS <const> = tonumber(skynet.getenv "fuzz_rounds" or "100000")
local seed = tonumber(skynet.getenv "fuzz_seed" or "1")
math.randomseed(seed)
local random = math.random

local function value(depth)
	local kind = random(1, depth > 4 and 8 or 10)
	if kind == 1 then return nil
	elseif kind == 2 then return random(0, 1) == 1
	elseif kind == 3 then return random(0, 255)
	elseif kind == 4 then return random(math.mininteger, math.maxinteger)
	elseif kind == 5 then return random() * 1e10
	elseif kind == 6 then return string.rep("s", random(0, 40))
	elseif kind == 7 then return string.rep("\0\xff", random(0, 300))
	elseif kind == 8 then return -random(0, 70000)
	elseif kind == 9 then
		local t = {}
		for i = 1, random(0, 40) do t[i] = value(depth + 1) end
		return t
	end
	local t = {}
	for _ = 1, random(0, 20) do t["k" .. random(1, 100)] = value(depth + 1) end
	return t
end

local function mutate(s)
	if #s == 0 then
		return string.char(random(0, 255))
	end
	local kind = random(1, 5)
	local at = random(1, #s)
	if kind == 1 then return s:sub(1, at - 1)
	elseif kind == 2 then return s:sub(1, at - 1) .. string.char(random(0, 255)) .. s:sub(at + 1)
	elseif kind == 3 then return s:sub(1, at) .. string.char(random(0, 255), random(0, 255)) .. s:sub(at + 1)
	elseif kind == 4 then return s:sub(at)
	end
	local to = random(at, #s)
	return s:sub(1, to) .. s:sub(at)
end

local good, bad, received = 0, 0, 0
local done = {}

skynet.register_protocol {
	name = "fuzz",
	id = 100,
	pack = function(...) return ... end,
	unpack = function(msg, sz)
		local ok = pcall(skynet.unpack, msg, sz)
		if ok then good = good + 1 else bad = bad + 1 end
	end,
	dispatch = function()
		received = received + 1
		if received == ROUNDS then
			skynet.wakeup(done)
		end
	end,
}

skynet.start(function()
	skynet.fork(function()
		local corpus = {}
		for i = 1, 200 do
			corpus[i] = skynet.packstring(value(0), value(0), value(0))
		end
		for i = 1, ROUNDS do
			local s = corpus[random(1, #corpus)]
			for _ = 1, random(1, 3) do
				s = mutate(s)
			end
			pcall(skynet.unpack, s)
			skynet.send(skynet.self(), "fuzz", s)
			if i % 500 == 0 then
				skynet.yield()
			end
		end
	end)
	skynet.wait(done)
	print(string.format("VERDICT ok %d good %d bad %d", received, good, bad))
	io.stdout:flush()
	skynet.abort()
end)
