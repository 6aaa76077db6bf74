-- Turn the fresh VM of a Lua service into a running service: find its script, set the search paths, call it.
-- Called once by snlua with the raw argument string, "name arg arg ..."; the globals LUA_SERVICE, LUA_PATH,
-- LUA_CPATH and LUA_PRELOAD are its other inputs and are gone afterwards. An error raised here ends the service.

local args = {}
for word in string.gmatch((...), "%S+") do
	args[#args + 1] = word
end
SERVICE_NAME = args[1]

local main, pattern
do
	local errors = {}
	for candidate in string.gmatch(LUA_SERVICE, "[^;]+") do
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

require = (require "skynet.require").require

main(table.unpack(args, 2))
