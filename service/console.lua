-- Launches what is typed on the terminal: a line is a service and its arguments, or "snax" and a snax service.

local skynet = require "skynet"
local socket = require "skynet.socket"

local function execute(line)
	local snax_args = string.match(line, "^%s*snax%s+(.*)$")
	if snax_args then
		local words = {}
		for word in string.gmatch(snax_args, "%S+") do
			words[#words + 1] = word
		end
		-- Loaded here: snax needs a config key that not every node has.
		require "skynet.snax".newservice(table.unpack(words))
	else
		skynet.newservice(line)
	end
end

skynet.start(function()
	skynet.fork(function()
		local stdin = socket.stdin()
		while true do
			local line = socket.readline(stdin, "\n")
			if not line then
				-- End of input. The service stays: a node started without a terminal lists it as ever.
				return
			end
			if line ~= "" then
				-- What fails has logged why.
				pcall(execute, line)
			end
		end
	end)
end)
