-- Give the words of the command line to the launcher as one request, print its answer, and exit: "dbg list".

local skynet = require "skynet"

local command = { ... }

local function sorted_keys(t)
	local keys = {}
	for key in pairs(t) do
		keys[#keys + 1] = key
	end
	table.sort(keys)
	return keys
end

local function fields(t)
	local texts = {}
	for i, key in ipairs(sorted_keys(t)) do
		texts[i] = string.format("%s:%s", key, t[key])
	end
	return table.concat(texts, "\t")
end

skynet.start(function()
	local list = skynet.call(".launcher", "lua", table.unpack(command))
	if list then
		local lines = {}
		for i, key in ipairs(sorted_keys(list)) do
			local value = list[key]
			lines[i] = tostring(key) .. "\t" .. (type(value) == "table" and fields(value) or tostring(value))
		end
		-- In one piece: the logger writes to stdout too.
		io.stdout:write(table.concat(lines, "\n") .. "\n"):flush()
	end
	skynet.exit()
end)
