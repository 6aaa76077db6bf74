-- commands REG, QUERY and NAME: results and what is refused
-- log: own
local conf = require "conf"
local core = require "skynet.core"
local skynet = require "skynet"

conf.run(function()
	local hex = string.format(":%x", skynet.self())
	local function show(...)
		conf.out((select("#", ...)), ((...) == hex) and "own hex" or ...)
	end
	show(core.command "REG")
	show(core.command("REG", ""))
	show(core.command("REG", ".mine"))
	show(core.command("REG", ".mine"))
	show(core.command("REG", ".other"))
	show(core.command("REG", "global"))
	show(core.command("QUERY", ".mine"))
	show(core.command("QUERY", ".nosuch"))
	show(core.command("QUERY", "mine"))
	show(core.command("QUERY", ":8"))
	show(core.command("NAME", ".third " .. hex))
	show(core.command("NAME", ".third " .. hex))
	show(core.command("QUERY", ".third"))
	show(core.command("NAME", ".fourth 8"))
	show(core.command("NAME", ".fifth :0"))
	show(core.command("NAME", "sixth " .. hex))
	show(core.command("NAME", ".dead :7fffff"))
	show(core.command("QUERY", ".dead"))
	show(core.command("REG", "."))
	show(core.command("QUERY", "."))
end)
