-- skynet.queue

local skynet = require "skynet"
local queue = require "skynet.queue"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

-- Start n coroutines that enter lock one after the other and note their number; returns the notes and a function that
-- waits for all of them.
local function contenders(lock, n, inside)
	local notes, left, token = {}, n, {}
	for i = 1, n do
		skynet.fork(function()
			pcall(lock, function()
				notes[#notes + 1] = "in " .. i
				inside(i)
				notes[#notes + 1] = "out " .. i
			end)
			left = left - 1
			if left == 0 then
				skynet.wakeup(token)
			end
		end)
	end
	return notes, function()
		if left > 0 then
			skynet.wait(token)
		end
	end
end

kit.case("the module is also skynet.queue", function()
	kit.equal(skynet.queue, queue)
end)

kit.case("arguments and results pass through, nils included", function()
	local lock = queue()
	kit.equal(table.pack(lock(function(...) return ... end, 1, nil, 3, nil)), table.pack(1, nil, 3, nil))
	kit.equal(select("#", lock(function() end)), 0)
end)

kit.case("coroutines enter one at a time in the order of arrival", function()
	local notes, wait = contenders(queue(), 3, function() skynet.yield() end)
	wait()
	kit.equal(notes, { "in 1", "out 1", "in 2", "out 2", "in 3", "out 3" })
end)

kit.case("a late comer does not overtake those who wait", function()
	local lock = queue()
	local notes = {}
	local token = {}
	skynet.fork(function()
		lock(function() skynet.yield() notes[#notes + 1] = "first" end)
		-- The second one has been woken, but has not run yet.
		lock(function() notes[#notes + 1] = "first again" skynet.wakeup(token) end)
	end)
	skynet.fork(function()
		lock(function() notes[#notes + 1] = "second" end)
	end)
	skynet.wait(token)
	kit.equal(notes, { "first", "second", "first again" })
end)

kit.case("the coroutine inside may enter again", function()
	local lock = queue()
	local result = lock(function()
		return lock(function()
			skynet.yield()
			return lock(function() return "deep" end)
		end)
	end)
	kit.equal(result, "deep")
	kit.equal(lock(function() return "free" end), "free")
end)

kit.case("an error leaves the lock and has a traceback", function()
	local lock = queue()
	local ok, err = pcall(lock, function() error "oops" end)
	kit.equal(ok, false)
	kit.contains(err, "oops")
	kit.contains(err, "stack traceback:")
	kit.equal(lock(function() return "free" end), "free")
end)

kit.case("an error object stays what it is", function()
	local lock = queue()
	local object = {}
	local _, err = pcall(lock, function() error(object) end)
	kit.ok(rawequal(err, object))
end)

kit.case("an error inside a nested call leaves the outer one in the lock", function()
	local lock = queue()
	local notes, wait = contenders(lock, 2, function()
		pcall(lock, error, "inner")
		skynet.yield()
	end)
	wait()
	kit.equal(notes, { "in 1", "out 1", "in 2", "out 2" })
end)

kit.case("after a failure the next one enters", function()
	local notes, wait = contenders(queue(), 3, function(i)
		skynet.yield()
		if i == 2 then
			error "two fails"
		end
	end)
	wait()
	kit.equal(notes, { "in 1", "out 1", "in 2", "in 3", "out 3" })
end)

kit.case("two locks know nothing of each other", function()
	local a, b = queue(), queue()
	kit.equal(a(function() return b(function() return "both" end) end), "both")
end)

kit.run()
