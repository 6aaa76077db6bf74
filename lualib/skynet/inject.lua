-- Run source text inside a living service, with a view on the upvalues of its functions. For debugging and repair.

-- Put the table upvalues of func, and of the functions that are its upvalues, into the table found by name.
local function collect(func, found, visited)
	visited[func] = true
	for i = 1, math.huge do
		local name, value = debug.getupvalue(func, i)
		if name == nil then
			return found
		elseif type(value) == "table" then
			found[name] = value
		elseif type(value) == "function" and not visited[value] then
			collect(value, found, visited)
		end
	end
end

---@param skynet table
---@param source string    text or bytecode; its `print` writes to the result, `_U` has the tables found from the
--- functions given, `_P` those found from the dispatch function of each protocol by its name
---@param filename string?    for error messages
---@param args table    arguments of the chunk, and their number n
---@param ... function
---@return boolean ok
---@return string[] output    a line for each print; if not ok, then the error
return function(skynet, source, filename, args, ...)
	local output = {}
	local visited = {}

	local function print(...)
		local words = {}
		-- Up to the first nil, as the debug console prints.
		for i, value in ipairs { ... } do
			words[i] = tostring(value)
		end
		output[#output + 1] = table.concat(words, "\t")
	end

	local function fail(err)
		output[#output + 1] = tostring(err)
		return false, output
	end

	local tables = {}
	for _, func in ipairs { ... } do
		collect(func, tables, visited)
	end
	local protocol_tables = {}
	for name, proto in pairs(skynet._proto) do
		if type(name) == "string" and proto.dispatch then
			protocol_tables[name] = collect(proto.dispatch, {}, visited)
		end
	end

	local env = setmetatable({ print = print, _U = tables, _P = protocol_tables }, { __index = _G })
	local chunk, syntax_error = load(source, filename and "@" .. filename or "=(load)", "bt", env)
	if not chunk then
		return fail(syntax_error)
	end
	local ok, err = pcall(chunk, table.unpack(args, 1, args.n))
	if not ok then
		return fail(err)
	end
	return true, output
end
