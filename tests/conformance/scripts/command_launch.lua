-- command LAUNCH: upper-case result, failures, arguments
-- compare: -handles
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

if ... == "words" then
	skynet.error("words", select("#", ...), ...)
	conf.out("words", select("#", ...), ...)
	skynet.dispatch("lua", function()
		skynet.ret()
	end)
	skynet.start(function() end)
	return
end

conf.run(function()
	local address = core.command("LAUNCH", "snlua " .. SERVICE_NAME .. " words  one\ttwo   three")
	conf.out(address)
	skynet.call(address, "lua")
	conf.out("numeric", core.addresscommand("LAUNCH", "snlua " .. SERVICE_NAME .. " words"))
	conf.out("no script still has a handle", core.command("LAUNCH", "snlua conformance_nosuch"))
	conf.logged "[:0000000c] KILL self"
	conf.out("ten more", (function()
		local a
		for _ = 1, 10 do
			a = core.command("LAUNCH", "snlua " .. SERVICE_NAME .. " words")
		end
		return a
	end)())
	conf.logged "[:0000001f] words 1 words"
end)
