-- names: what the public modules hold
-- log: no
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local ptypes, functions = {}, {}
	for name, value in pairs(skynet) do
		if name:find "^PTYPE_" then
			ptypes[name] = value
		elseif not name:find "^_" then
			functions[#functions + 1] = name .. ":" .. type(value)
		end
	end
	table.sort(functions)
	conf.out("skynet", table.concat(functions, " "))
	conf.out("types", ptypes)
	conf.out("pcall is Lua's", skynet.pcall == pcall, "tracelog is the core's", skynet.tracelog == require "skynet.core".trace)
	conf.out("cache is the module", skynet.cache == require "skynet.codecache")
	for _, name in ipairs {
		"skynet.core",
		"skynet.manager",
		"skynet.queue",
		"skynet.service",
		"skynet.coroutine",
		"skynet.inject",
		"skynet.injectcode",
		"skynet.remotedebug",
		"skynet.harbor",
		"skynet.snax",
		"snax.interface",
		"snax.hotfix",
		"skynet.profile",
		"skynet.codecache",
		"skynet.memory",
		"skynet.crypt",
		"client.crypt",
		"md5.core",
		"md5",
		"skynet.netpack",
		"skynet.socketdriver",
		"skynet.debugchannel",
		"skynet.datacenter",
		"skynet.mqueue",
		"skynet.socket",
		"skynet.socketchannel",
		"skynet.dns",
		"http.url",
		"http.httpd",
		"http.httpc",
		"http.sockethelper",
		"http.websocket",
		"snax.gateserver",
		"snax.loginserver",
		"snax.msgserver",
		"skynet.db.redis",
		"skynet.db.redis.cluster",
		"skynet.db.redis.crc16",
	} do
		local module = require(name)
		if type(module) == "table" then
			local names = {}
			for key in pairs(module) do
				if not key:find "^_%l" then
					names[#names + 1] = key
				end
			end
			table.sort(names)
			conf.out(name, table.concat(names, " "))
		else
			conf.out(name, type(module))
		end
	end
	conf.out("missing", pcall(require, "skynet.nosuch") == false)
end)
