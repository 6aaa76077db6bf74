-- Turn the fresh VM of a Lua service into a running service: find its script, set the search paths, call it.
-- Called once by snlua with the raw argument string, "name arg arg ..."; the globals LUA_SERVICE, LUA_PATH,
-- LUA_CPATH and LUA_PRELOAD are its other inputs and are gone afterwards. An error raised here ends the service.

-- string.find and not gmatch here and below: what this chunk leaves behind is paid for by every service of a node.
local args = {}
local first, last = string.find((...), "%S+")
while first do
	args[#args + 1] = string.sub((...), first, last)
	first, last = string.find((...), "%S+", last + 1)
end
SERVICE_NAME = args[1]

local main, pattern
do
	local errors = {}
	local from, to = string.find(LUA_SERVICE, "[^;]+")
	while from do
		local candidate = string.sub(LUA_SERVICE, from, to)
		from, to = string.find(LUA_SERVICE, "[^;]+", to + 1)
		local filename = string.gsub(candidate, "%?", SERVICE_NAME)
		local f, err = loadfile(filename)
		if f then
			main, pattern = f, candidate
			break
		end
		errors[#errors + 1] = err
	end
	if not main then
		error(table.concat(errors, "\n"))
	end
end

package.path, package.cpath = LUA_PATH, LUA_CPATH
LUA_SERVICE, LUA_PATH, LUA_CPATH = nil, nil, nil

-- A pattern such as "dir/?/main.lua" gives the service a directory of its own, which it may also require from.
local directory, file = string.match(pattern, "^(.*/)([^/]*)$")
if directory and not string.find(file, "?", 1, true) then
	directory = string.gsub(directory, "%?", SERVICE_NAME)
	package.path = directory .. "?.lua;" .. package.path
end
SERVICE_PATH = directory

if LUA_PRELOAD then
	assert(loadfile(LUA_PRELOAD))(table.unpack(args))
	LUA_PRELOAD = nil
end

require = require "skynet.coroutine_require"

main(table.unpack(args, 2))
