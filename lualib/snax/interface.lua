-- Reads the source of a snax service: which methods it defines, and under which numbers they are called.

local skynet = require "skynet"

local SYSTEM <const> = { "init", "exit", "hotfix", "profile" }	-- the first methods of every service, whether defined or not

-- The chunk of a service along the patterns of config key snax, and the pattern that led to it.
local function open(patterns, name, globals)
	local errors = {}
	for pattern in patterns:gmatch "[^;]+" do
		local chunk, err = loadfile((pattern:gsub("%?", name)), "bt", globals)
		if chunk then
			return chunk, pattern
		end
		errors[#errors + 1] = err
	end
	error(table.concat(errors, "\n"))
end

-- What the source sees as `accept` or `response`: a function that is assigned to it becomes a method.
local function definer(group, methods)
	local defined = {}
	return setmetatable({}, {
		__index = defined,
		__newindex = function(_, name, f)
			if type(name) ~= "string" then
				error(group .. " method only support string")
			elseif type(f) ~= "function" then
				error(group .. "." .. name .. " must be function")
			elseif defined[name] then
				error(group .. "." .. name .. " duplicate definition")
			end
			defined[name] = f
			methods[#methods + 1] = { id = #methods + 1, group = group, name = name, f = f }
		end,
	})
end

--- Run the source of a service and collect what it defines.
---@param name string
---@param globals table    its global table; gets the globals that it assigns, but for the methods
---@param opener fun(patterns: string?, name: string, globals: table): function, string?    instead of looking for the file
--- along the patterns of the config; gives a chunk that has that global table, and the pattern that led to it
---@return { id: integer, group: string, name: string, f: function? }[] methods    by their numbers; group "system", "accept",
--- "response"; f is nil for what of the system is not defined
---@return string? pattern
--- Errors: "please set snax in config file"; those of all files that cannot be opened; "<group> method only support string",
--- "<group>.<name> must be function", "<group>.<name> duplicate definition", "<name> must be a function", and those of the
--- source itself, with traceback.
return function(name, globals, opener)
	local patterns = skynet.getenv "snax"
	if opener == nil then
		opener = open
		if patterns == nil then
			error "please set snax in config file"
		end
	end

	local methods, system = {}, {}
	for id, what in ipairs(SYSTEM) do
		methods[id] = { id = id, group = "system", name = what }
		system[what] = methods[id]
	end
	local assigned = { accept = definer("accept", methods), response = definer("response", methods) }
	local chunk, pattern = opener(patterns, name, globals)
	if chunk == nil then
		-- Of load, which gives the reason second.
		error(pattern, 0)
	end
	-- Only while it loads: then what is assigned to a name that is new comes by here.
	local metatable = getmetatable(globals)
	setmetatable(globals, {
		__index = assigned,
		__newindex = function(_, key, value)
			local method = system[key]
			if method == nil then
				assigned[key] = value
			elseif type(value) ~= "function" then
				error(key .. " must be a function")
			else
				method.f = value
			end
		end,
	})
	local ok, err = xpcall(chunk, debug.traceback)
	setmetatable(globals, metatable)
	if not ok then
		error(err, 0)
	end
	assigned.accept, assigned.response = nil, nil
	for key, value in pairs(assigned) do
		globals[key] = value
	end
	return methods, pattern
end
