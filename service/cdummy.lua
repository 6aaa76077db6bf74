-- `.cslave` of a node without a network (harbor = 0): keeps the global names of this one process.

local skynet = require "skynet"
require "skynet.manager"

local global_handle = {}	-- name -> handle
local waiting = {}			-- name -> responses of the queries for a name that is not known yet

local harbor				-- handle of the native service that gets what is sent to global names

local command = {}

-- Sent, not called.
function command.REGISTER(name, handle)
	assert(global_handle[name] == nil)
	global_handle[name] = handle
	skynet.redirect(harbor, handle, "harbor", 0, "N " .. name)
	local queue = waiting[name]
	if queue then
		waiting[name] = nil
		for _, respond in ipairs(queue) do
			respond(true, handle)
		end
	end
end

function command.QUERYNAME(name)
	if string.byte(name) == 46 then	-- "."
		skynet.retpack(skynet.localname(name))
		return
	end
	local handle = global_handle[name]
	if handle then
		skynet.retpack(handle)
		return
	end
	local queue = waiting[name]
	if not queue then
		queue = {}
		waiting[name] = queue
	end
	queue[#queue + 1] = skynet.response()
end

-- No other node is connected: each is down already, and none will ever come up.
function command.LINK()
	skynet.ret()
end

function command.CONNECT()
	skynet.ignoreret()
	skynet.error "Can't connect to other harbor in single node mode"
end

skynet.register_protocol {
	name = "harbor",
	id = skynet.PTYPE_HARBOR,
	pack = function(...) return ... end,
	unpack = skynet.tostring,
}

-- The native service asks for unknown names and reports nodes that went down; neither can be helped here.
skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	pack = function(...) return ... end,
	unpack = skynet.tostring,
	dispatch = function() end,
}

skynet.start(function()
	local id = tonumber(skynet.getenv "harbor")
	assert(id == 0)

	skynet.dispatch("lua", function(_, _, cmd, ...)
		local f = assert(command[cmd])
		f(...)
	end)

	harbor = assert(skynet.launch("harbor", id, skynet.self()))
end)
