-- The short module names, which lualib/compat10 has: the same modules as under their full names.

local kit = dofile(SERVICE_PATH .. "../test_kit.lua")

for short, full in pairs {
	socket = "skynet.socket",
	socketchannel = "skynet.socketchannel",
	socketdriver = "skynet.socketdriver",
	dns = "skynet.dns",
	crypt = "skynet.crypt",
	netpack = "skynet.netpack",
	redis = "skynet.db.redis",
	snax = "skynet.snax",
} do
	kit.case(short, function()
		kit.ok(require(short) == require(full))
	end)
end

kit.run()
