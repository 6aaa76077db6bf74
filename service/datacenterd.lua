-- The tree of values behind skynet.datacenter.

local skynet = require "skynet"

local root = {}		-- key -> value, or the table of a branch

-- The paths that are waited on, as a tree: a node has either `below`, key -> node, or `responses` of those who wait
-- for the value at its place. The two exclude each other: a place that is to be a value will not become a branch.
local waiting = { below = {} }

local command = {}

local function query(value, key, ...)
	if key == nil or value == nil then
		return value
	end
	return query(value[key], ...)
end

-- Returns the previous value and the new one.
local function update(branch, key, value, ...)
	if select("#", ...) == 0 then
		local previous = branch[key]
		branch[key] = value
		return previous, value
	end
	if branch[key] == nil then
		branch[key] = {}
	end
	return update(branch[key], value, ...)
end

-- A value has come into being at the path; the last argument is that value and no key.
local function wake(node, key, value, ...)
	local child = node.below[key]
	if not child then
		return
	end
	local is_end = select("#", ...) == 0
	if child.responses then
		node.below[key] = nil
		for _, respond in ipairs(child.responses) do
			-- If the path goes on, the place waited for has become a branch, which is a failure.
			respond(is_end, value)
		end
	elseif not is_end then
		wake(child, value, ...)
		if next(child.below) == nil then
			node.below[key] = nil
		end
	end
end

local function wait(node, key, ...)
	-- Somebody waits for a value at a place on the way.
	assert(node.below, "the path is waited on as a value")
	local child = node.below[key]
	if select("#", ...) > 0 then
		if not child then
			child = { below = {} }
			node.below[key] = child
		end
		return wait(child, ...)
	end
	if not child then
		child = { responses = {} }
		node.below[key] = child
	end
	assert(child.responses, "the path is waited on as a branch")
	table.insert(child.responses, skynet.response())
end

function command.QUERY(key, ...)
	if key == nil or root[key] == nil then
		skynet.ret()
	else
		skynet.retpack(query(root[key], ...))
	end
end

function command.UPDATE(...)
	local previous, value = update(root, ...)
	if previous == nil and value ~= nil then
		wake(waiting, ...)
		skynet.ret()
	else
		skynet.retpack(previous)
	end
end

function command.WAIT(...)
	local value = query(root, ...)
	if value ~= nil then
		skynet.retpack(value)
	else
		wait(waiting, ...)
	end
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, cmd, ...)
		local f = assert(command[cmd], cmd)
		f(...)
	end)
end)
