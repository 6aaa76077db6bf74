-- skynet.mqueue

local skynet = require "skynet"
local mqueue = require "skynet.mqueue"

if ... == "peer" then
	local notes = {}
	local command = {}
	function command.note(...)
		notes[#notes + 1] = table.concat({ ... }, " ")
	end
	function command.slow(text)
		notes[#notes + 1] = "begin " .. text
		skynet.sleep(2)
		notes[#notes + 1] = "end " .. text
		return mqueue.size()
	end
	function command.echo(...)
		return ...
	end
	function command.fail(err)
		error(err)
	end
	function command.unpackable()
		return print
	end
	function command.notes()
		return notes
	end
	mqueue.register(function(cmd, ...)
		return command[cmd](...)
	end)
	skynet.start(function() end)
	return
end

local kit = dofile(SERVICE_PATH .. "test_kit.lua")
local peer

kit.case("a call returns what the function returns", function()
	kit.equal({ mqueue.call(peer, "echo", 1, "two", { 3 }) }, { 1, "two", { 3 } })
	kit.equal(select("#", mqueue.call(peer, "echo")), 0)
end)

kit.case("an error of the function is raised in the caller with its text", function()
	kit.raises("the reason", mqueue.call, peer, "fail", "the reason")
end)

kit.case("messages are processed one after the other", function()
	local left, token, sizes = 2, {}, {}
	for i = 1, 2 do
		skynet.fork(function()
			sizes[i] = mqueue.call(peer, "slow", "no " .. i)
			left = left - 1
			if left == 0 then
				skynet.wakeup(token)
			end
		end)
	end
	skynet.yield()
	mqueue.send(peer, "note", "sent")
	skynet.wait(token)
	kit.equal(mqueue.call(peer, "notes"), { "begin no 1", "end no 1", "begin no 2", "end no 2", "sent" })
	kit.equal(sizes, { 2, 1 })
end)

kit.case("a sent message that fails does not stop the queue", function()
	mqueue.send(peer, "fail", "expected in the log: sent and failed")
	kit.equal(mqueue.call(peer, "echo", "after failure"), "after failure")
	mqueue.send(peer, "echo", "nobody wants this")
	kit.equal(mqueue.call(peer, "echo", "after result"), "after result")
end)

kit.case("a function is registered once", function()
	mqueue.register(function() end)
	kit.raises("assertion failed!", mqueue.register, function() end)
end)

kit.case("the queue of an idle service is empty", function()
	kit.equal(mqueue.size(), 0)
end)

kit.run(function()
	peer = kit.peer "peer"
end)
