-- command STAT: of the calling service, and the kinds of its results
-- log: no
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

if ... == "peer" then
	conf.serve {
		messages = function()
			return core.intcommand("STAT", "message")
		end,
		cpu = function()
			return core.command("STAT", "cpu"), core.command("STAT", "time")
		end,
	}
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local first = skynet.call(p, "lua", "messages")
	conf.out("messages grow by one per call", skynet.call(p, "lua", "messages") - first)
	conf.out("first", first)
	local cpu, time = skynet.call(p, "lua", "cpu")
	conf.out("cpu form", cpu:gsub("%d", "d"))
	conf.out("time form", time:gsub("%d", "d"))
	conf.out("mqlen", core.command("STAT", "mqlen"), core.intcommand("STAT", "mqlen"))
	skynet.send(skynet.self(), "lua")
	skynet.send(skynet.self(), "lua")
	conf.out("mqlen with two", core.intcommand("STAT", "mqlen"), skynet.mqlen())
	conf.out("endless", core.command("STAT", "endless"), skynet.endless())
	conf.out("unknown", "<" .. core.command("STAT", "nosuch") .. ">", core.intcommand("STAT", "nosuch"))
	conf.out("skynet.stat", math.type(skynet.stat "message"), math.type(skynet.stat "cpu"), skynet.stat "mqlen")
end)
