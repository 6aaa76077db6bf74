-- Global names and the state of the other nodes, as kept by `.cslave`.

local skynet = require "skynet"

local harbor = {}

--- Bind a name that all nodes can send to. Does not wait; a name that exists already is an error logged by .cslave.
---@param name string
---@param handle integer?    default: this service
function harbor.globalname(name, handle)
	skynet.send(".cslave", "lua", "REGISTER", name, handle or skynet.self())
end

--- Resolve a name. Yields until a global name is registered.
---@param name string    global, or ".name"
---@return integer? handle    nil only for an unknown ".name"
function harbor.queryname(name)
	return skynet.call(".cslave", "lua", "QUERYNAME", name)
end

--- Wait until a node goes down. Yields, unless it is not connected.
---@param id integer    1..255
function harbor.link(id)
	skynet.call(".cslave", "lua", "LINK", id)
end

--- Wait until a node is connected. Yields, unless it is.
---@param id integer    1..255
function harbor.connect(id)
	skynet.call(".cslave", "lua", "CONNECT", id)
end

--- Wait until the connection to the master is lost. Yields.
--- Errors: "call failed" in a single node.
function harbor.linkmaster()
	skynet.call(".cslave", "lua", "LINKMASTER")
end

return harbor
