-- The first service of a node: starts the others in their order, then the user's, and exits.

local skynet = require "skynet"
require "skynet.manager"

-- For whoever started the node and wants to know: the process itself lives on, as its logger does.
local function mark_failed()
	skynet.setenv("start_failed", "true")
end

-- A node without these services is of no use: their failure ends the process.
local function newservice_or_abort(name)
	local ok, handle = pcall(skynet.newservice, name)
	if not ok or not handle then
		mark_failed()
		skynet.abort()
		skynet.exit()
	end
	return handle
end

local function boot()
	local standalone = skynet.getenv "standalone"

	local launcher = assert(skynet.launch("snlua", "launcher"))
	skynet.name(".launcher", launcher)

	local harbor = tonumber(skynet.getenv "harbor" or 0)
	if harbor == 0 then
		assert(standalone == nil, "standalone is for nodes with a harbor")
		standalone = "true"
		skynet.setenv("standalone", standalone)
		skynet.name(".cslave", newservice_or_abort "cdummy")
	else
		if standalone then
			newservice_or_abort "cmaster"
		end
		skynet.name(".cslave", newservice_or_abort "cslave")
	end

	if standalone then
		skynet.name("DATACENTER", skynet.newservice "datacenterd")
	end
	skynet.newservice "service_mgr"

	if skynet.getenv "enablessl" == "true" then
		-- The library is initialised once per process; this service keeps it so.
		require "skynet.service".new("ltls_holder", function()
			require "ltls.init.c".constructor()
		end)
	end
end

skynet.start(function()
	local _ <close> = setmetatable({}, { __close = function(_, err)
		if err ~= nil then
			mark_failed()
		end
	end })
	boot()
	-- Its errors are logged where they happen.
	if not pcall(skynet.newservice, skynet.getenv "start" or "main") then
		mark_failed()
	end
	skynet.exit()
end)
