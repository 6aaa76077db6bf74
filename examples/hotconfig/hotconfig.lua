-- A configuration service that notices when its file changes: hotconfig <file> [interval in 1/100 s]
-- The file is Lua: `key = value` lines. Commands: get(key); wait(version), which is answered when the version is another.

local skynet = require "skynet"
local lfs = require "lfs"

local path, interval = ...
interval = tonumber(interval) or 300

local values = {}
local version = 0
local stamp	-- of the file as it was read last
local waiting = {}	-- responses
local command = {}
local NORET = {}

local function read_stamp()
	local attributes = lfs.attributes(path)
	-- Modification times are whole seconds. A change within the same one shows in the other two, as a rule.
	return attributes and table.concat({ attributes.modification, attributes.size, attributes.ino }, "/")
end

local function load_values()
	local env = {}
	local chunk, err = loadfile(path, "t", env)
	local ok = chunk ~= nil
	if ok then
		ok, err = pcall(chunk)
	end
	if not ok then
		skynet.error("keep the old configuration:", err)
		return
	end
	values = env
	version = version + 1
	local responses = waiting
	waiting = {}
	for _, response in ipairs(responses) do
		response(true, version, values)
	end
end

local function watch()
	while true do
		local now = read_stamp()
		if now and now ~= stamp then
			stamp = now
			load_values()
		end
		skynet.sleep(interval)
	end
end

function command.get(key)
	return values[key]
end

function command.wait(known)
	if known ~= version then
		return version, values
	end
	waiting[#waiting + 1] = skynet.response()
	return NORET
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, cmd, ...)
		local f = assert(command[cmd], cmd)
		local function reply(first, ...)
			if first ~= NORET then
				skynet.retpack(first, ...)
			end
		end
		reply(f(...))
	end)
	skynet.fork(watch)
end)
