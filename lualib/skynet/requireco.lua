-- `require` inside a coroutine. The first coroutine that asks for a module runs its chunk and may block in it; others wait.

local skynet = require "skynet"

local require, inits = skynet._plain_require(), skynet._inits()
local running = coroutine.running
local loaded, preload = package.loaded, package.preload

local loading = {}	-- module name -> the guard of its loading: { name, co, outer, inits, tokens of those who wait ... }

-- Ends a loading however it ends: done, failed, or its coroutine closed by killthread.
local guard_meta = { __close = function(guard)
	loading[guard.name] = nil
	inits[guard.co] = guard.outer
	for _, token in ipairs(guard) do
		skynet.wakeup(token)
	end
end }

local function load_module(guard, chunk, filename)
	local name = guard.name
	local value = chunk(name, filename)
	if value == nil then
		value = loaded[name]
	end
	for _, f in ipairs(guard.inits) do
		f()
	end
	if value == nil then
		value = true
	end
	loaded[name] = value
	return value
end

--- Yields when the module blocks, or another coroutine is loading it.
---@param name string
---@return any value
--- Errors: those of the module with a traceback, "require <name> failed" in coroutines that waited for it,
--- "circular dependency".
return function(name)
	if preload[name] then
		return require(name)
	end
	local co = running()
	local other = loading[name]
	if other then
		if other.co == co then
			error "circular dependency"
		end
		local token = {}
		other[#other + 1] = token
		skynet.wait(token)
		local value = loaded[name]
		if value == nil then
			error(string.format("require %s failed", name))
		end
		return value
	end
	local filename = package.searchpath(name, package.path)
	local chunk = filename and loadfile(filename)
	if not chunk then
		return require(name)
	end
	local own = {}
	local guard <close> = setmetatable({ name = name, co = co, outer = inits[co], inits = own }, guard_meta)
	loading[name], inits[co] = guard, own
	local ok, result = xpcall(load_module, debug.traceback, guard, chunk, filename)
	if not ok then
		error(result, 0)
	end
	return result
end
