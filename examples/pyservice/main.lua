-- Starts the Python service `ledger`, calls it, and serves the calls that it makes back.

local skynet = require "skynet"
require "skynet.manager"

local rates = { EUR = 1.0, USD = 1.25 }
local command = {}

function command.rate(currency)
	return rates[currency] or error("no rate for " .. currency)
end

skynet.start(function()
	skynet.dispatch("lua", function(_, source, cmd, ...)
		skynet.error(cmd, ..., "asked by", skynet.address(source))
		skynet.retpack(command[cmd](...))
	end)
	skynet.register ".rates"

	skynet.fork(function()
		-- skynet.newservice is for Lua services. Any module is launched so:
		local ledger = skynet.call(".launcher", "lua", "LAUNCH", "ledger", ".rates")
		skynet.call(ledger, "lua", "book", "rent", 800)
		skynet.call(ledger, "lua", "book", "rent", 20.5)
		local answer = skynet.call(ledger, "lua", "total", "rent", "USD")
		skynet.error(string.format("%s: %.2f %s", answer.account, answer.total, answer.currency))
		skynet.error("no account:", pcall(skynet.call, ledger, "lua", "total", "food", "USD"))
		skynet.sleep(10)	-- what the logger has not written when the node ends is lost
		skynet.abort()
	end)
end)
