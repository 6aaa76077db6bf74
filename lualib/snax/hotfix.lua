-- Replaces methods of a snax service while it runs. The patch is a source as that of a service; a local variable without a
-- value at its top level stands for the one of the same name in the methods it replaces, or in the others.

local read_interface = require "snax.interface"

-- Calls visit(f, index, name, value) for each variable of f and of the functions in them, once per function.
local function walk(f, seen, visit)
	if seen[f] then
		return
	end
	seen[f] = true
	for index = 1, math.huge do
		local name, value = debug.getupvalue(f, index)
		if name == nil then
			return
		end
		-- Variables of C functions, and of stripped ones, have no name.
		if name ~= "" then
			visit(f, index, name, value)
			if type(value) == "function" then
				walk(value, seen, visit)
			end
		end
	end
end

local function globals_holder()
	return _ENV
end

-- name -> { f =, index =, ambiguous = }: a variable of the methods as an upvalue of f; ambiguous when there are two
local function variables_of(methods)
	local variables = {}
	local seen = {}
	local function visit(f, index, name)
		local known = variables[name]
		if known == nil then
			variables[name] = { f = f, index = index }
		elseif debug.upvalueid(f, index) ~= debug.upvalueid(known.f, known.index) then
			known.ambiguous = true
		end
	end
	for _, method in ipairs(methods) do
		if method.f then
			walk(method.f, seen, visit)
		end
	end
	-- The patch ran with globals of its own.
	variables._ENV = { f = globals_holder, index = 1 }
	return variables
end

local function join(f, variables, seen)
	walk(f, seen, function(g, index, name, value)
		local variable = variables[name]
		if variable and (value == nil or name == "_ENV") then
			if variable.ambiguous then
				error("ambiguity local value " .. name, 0)
			end
			debug.upvaluejoin(g, index, variable.f, variable.index)
		end
	end)
end

local function find(methods, patch)
	for _, method in ipairs(methods) do
		if method.group == patch.group and method.name == patch.name then
			return method
		end
	end
	error(string.format("Patch mismatch %s.%s", patch.group, patch.name), 0)
end

local function apply(methods, source, ...)
	local globals = {}
	for key, value in pairs(_G) do
		globals[key] = value
	end
	local patches = read_interface("patch", globals, function()
		return load(source, "=patch", "bt", globals)
	end)
	local variables = variables_of(methods)
	local replaced, seen = {}, {}
	local after
	for _, patch in ipairs(patches) do
		if patch.f then
			join(patch.f, variables, seen)
			if patch.group == "system" and patch.name == "hotfix" then
				after = patch.f
			else
				replaced[find(methods, patch)] = patch.f
			end
		end
	end
	-- Only now, so that a patch with an error changes nothing.
	for method, f in pairs(replaced) do
		method.f = f
	end
	if after then
		return after(...)
	end
end

--- Apply a patch.
---@param methods table[]    of snax.interface; their field f is replaced
---@param source string
---@param ... any    for the function `hotfix` of the patch, which runs at the end
---@return boolean ok
---@return any ...    what that returns; or the error: "Patch mismatch <group>.<name>" for a method that is not there,
--- "ambiguity local value <name>" for a variable that two methods have each for themselves, and those of the source
return function(methods, source, ...)
	return pcall(apply, methods, source, ...)
end
