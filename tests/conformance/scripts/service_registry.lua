-- registry and package.loaded of a service
-- log: no
local conf = require "conf"

conf.run(function()
	local registry = debug.getregistry()
	conf.out("LUA_NOENV", registry.LUA_NOENV)
	conf.out("skynet_context", type(registry.skynet_context))
	for _, name in ipairs { "skynet", "skynet.core", "skynet.codecache", "skynet.profile", "skynet.require" } do
		conf.out(name, package.loaded[name] ~= nil)
	end
	conf.out("require is replaced", require == package.loaded["skynet.require"].require)
	local skynet = require "skynet"
	local missing = {}
	for name in ([[_proto address cache call context dispatch dispatch_message dispatch_unknown_request
		dispatch_unknown_response endless error exit fork genid getenv harbor hpc ignoreret info_func init init_service
		killthread localname memlimit mqlen newservice now pack packstring pcall queryservice rawcall rawsend redirect
		register_protocol request response ret retpack self send setenv sleep start starttime stat task term time timeout
		tostring trace trace_timeout tracecall tracelog traceproto tracetag trash uniqtask uniqueservice unpack wait wakeup
		yield]]):gmatch "%S+" do
		if skynet[name] == nil then
			missing[#missing + 1] = name
		end
	end
	conf.out("missing in skynet", table.concat(missing, " "))
	local types = {}
	for name, value in pairs(skynet) do
		if name:match "^PTYPE_" then
			types[value] = name
		end
	end
	conf.out(types)
	local before = {}
	for name in pairs(skynet) do
		before[name] = true
	end
	require "skynet.manager"
	require "skynet.queue"
	local added = {}
	for name in pairs(skynet) do
		if not before[name] then
			added[#added + 1] = name
		end
	end
	table.sort(added)
	conf.out("by manager and queue", table.concat(added, " "))
end)
