-- A tree of values shared by all nodes, kept by the service with the global name DATACENTER.

local skynet = require "skynet"

local datacenter = {}

--- Read a value. Yields.
---@param ... any    the path, a key per level
---@return any value    a copy of the whole branch if the path ends at one, nil if there is nothing
--- Errors: "call failed" if the path leads through something that is no branch.
function datacenter.get(...)
	return skynet.call("DATACENTER", "lua", "QUERY", ...)
end

--- Write a value; branches on the way are made. Yields.
---@param ... any    the path, a key per level, and then the value; nil deletes
---@return any previous
--- Errors: "call failed" if the path leads through something that is no branch.
function datacenter.set(...)
	return skynet.call("DATACENTER", "lua", "UPDATE", ...)
end

--- Read a value, and wait for it if there is none. Yields.
---@param ... any    the path, a key per level
---@return any value
--- Errors: "call failed" if the path leads through a value, or is waited on both as a value and as a branch.
function datacenter.wait(...)
	return skynet.call("DATACENTER", "lua", "WAIT", ...)
end

return datacenter
