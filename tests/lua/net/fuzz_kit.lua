-- What the fuzzing services share: mutation of texts, and a run with a verdict. Loaded with dofile.
-- Config keys: fuzz_count (inputs), fuzz_seed.

local skynet = require "skynet"
require "skynet.manager"

local fuzz = {}

local random = math.random

local function random_bytes(n)
	local bytes = {}
	for i = 1, n do
		bytes[i] = string.char(random(0, 255))
	end
	return table.concat(bytes)
end

-- Each takes a text and a place in it.
local mutations = {
	function(text, at)	-- one bit
		local byte = (text:byte(at) or 0) ~ 1 << random(0, 7)
		return text:sub(1, at - 1) .. string.char(byte) .. text:sub(at + 1)
	end,
	function(text, at)	-- one byte, or a few more
		return text:sub(1, at - 1) .. random_bytes(random(4)) .. text:sub(at + random(0, 4))
	end,
	function(text, at)	-- cut off
		return text:sub(1, at - 1)
	end,
	function(text, at)	-- a part is missing
		return text:sub(1, at - 1) .. text:sub(at + random(16))
	end,
	function(text, at)	-- a part comes again
		local part = text:sub(at, at + random(32))
		return text:sub(1, at - 1) .. part:rep(random(3)) .. text:sub(at)
	end,
	function(text, at, words)	-- something meaningful in a wrong place
		return text:sub(1, at - 1) .. words[random(#words)] .. text:sub(at)
	end,
	function(text, at)	-- a number is another
		local numbers = { "0", "-1", "1", "255", "256", "65535", "65536", "2147483647", "4294967296", "99999999999999999999", "ffffffff" }
		return (text:sub(1, at - 1) .. text:sub(at):gsub("%d+", numbers[random(#numbers)], 1))
	end,
}

--- A text made of one of the seeds by up to four mutations.
function fuzz.mutate(seeds, words)
	local text = seeds[random(#seeds)]
	for _ = 1, random(4) do
		text = mutations[random(#mutations)](text, random(#text + 1), words)
	end
	return text
end

--- A read function as sockethelper makes them, on a text that comes in pieces; at its end it throws `at_end`.
function fuzz.reader(text, at_end)
	local pos = 1
	local step = random(3) == 1 and random(8) or #text
	return function(n)
		if n == 0 then
			return ""
		end
		local last = pos + (n or step) - 1
		if pos > #text or n and last > #text then
			pos = #text + 1
			error(at_end)
		end
		local part = text:sub(pos, last)
		pos = pos + #part
		return part
	end
end

--- Start a service that feeds f(i) with fuzz_count numbers and prints the verdict. f throws for what must not be; fuzz.input is shown.
function fuzz.run(f, start)
	skynet.start(function()
		skynet.fork(function()
			local count = math.tointeger(skynet.getenv "fuzz_count" or 100000)
			local seed = math.tointeger(skynet.getenv "fuzz_seed" or 1)
			math.randomseed(seed)
			local verdict = "VERDICT ok " .. count
			if start then
				start()
			end
			for i = 1, count do
				local ok, err = xpcall(f, debug.traceback, i)
				if not ok then
					print(string.format("FAIL seed %d input %d: %q\n%s", seed, i, fuzz.input, err))
					verdict = "VERDICT failed"
					break
				end
				if i % 1000 == 0 then
					skynet.yield()
				end
			end
			print(verdict)
			io.stdout:flush()
			skynet.abort()
		end)
	end)
end

return fuzz
