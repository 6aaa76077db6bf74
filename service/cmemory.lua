-- Print how much C memory each service holds, and exit. Lua VMs are not counted.

local skynet = require "skynet"
local memory = require "skynet.memory"

memory.dumpinfo()

local lines = {}
for handle, bytes in pairs(memory.info()) do
	lines[#lines + 1] = string.format(":%08x %gK", handle, bytes / 1024)
end
lines[#lines + 1] = "Total memory:\t" .. memory.total()
lines[#lines + 1] = "Total block:\t" .. memory.block()

-- In one piece: the logger writes to stdout too.
io.stdout:write(table.concat(lines, "\n") .. "\n"):flush()

skynet.start(function()
	skynet.exit()
end)
