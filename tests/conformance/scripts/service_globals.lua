-- globals of a service: what is added, and what is gone again
-- log: no
local conf = require "conf"

local standard = "assert collectgarbage coroutine debug dofile error getmetatable io ipairs load loadfile math next os package "
	.. "pairs pcall print rawequal rawget rawlen rawset require select setmetatable string table tonumber tostring type utf8 "
	.. "warn xpcall _G _VERSION"

conf.run(function()
	local known = {}
	for name in standard:gmatch "%S+" do
		known[name] = true
		if _G[name] == nil then
			conf.out("missing", name)
		end
	end
	local added = {}
	for name in pairs(_G) do
		if not known[name] then
			added[#added + 1] = name
		end
	end
	table.sort(added)
	conf.out("added", table.concat(added, " "))
	conf.out("SERVICE_NAME", SERVICE_NAME)
	conf.out("SERVICE_PATH", SERVICE_PATH and SERVICE_PATH:match "[^/]+/$")
	conf.out("gone", LUA_PATH, LUA_CPATH, LUA_SERVICE, LUA_PRELOAD)
	conf.out("path", package.path:match "[^;]+" ~= nil)
end)
