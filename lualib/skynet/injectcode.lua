-- Evaluate source text as if it stood at a given level of a coroutine's stack.
--
-- The text is compiled as a function whose upvalues are the names it mentions. Those that are upvalues of the frame
-- are joined to it and thus shared; locals of the frame are copied in before the run and back afterwards.

-- Names in source that could be variables: all words, keywords excepted because they are no names in the frame.
local function words_of(source)
	local words = { _ENV = true }
	for word in string.gmatch(source, "[%a_][%w_]*") do
		words[word] = true
	end
	return words
end

local function compile(source, names)
	local declarations = {}
	for i, name in ipairs(names) do
		declarations[i] = "local " .. name
	end
	-- Without _ENV in the frame there are no globals.
	return load(table.concat(declarations, " ") .. "\nreturn function(...)\n" .. source .. "\nend", "=(debug)", "t", {})
end

---@param source string    the body of a vararg function; `...` are the varargs of the frame
---@param co thread?    default: the running coroutine
---@param level integer?    default 0: the caller of this function, or the innermost function of another coroutine
---@param env table<string, any>?    more names, which those of the frame hide
---@return boolean ok
---@return any ...    results, or the error
--- Errors: an indexing error if there is no such level.
return function(source, co, level, env)
	level = level or 0
	local current = coroutine.running()
	if not co or co == current then
		-- 0 and 1 are the debug function and this one. All calls of these functions below are made from here, where
		-- that is so.
		co, level = current, level + 2
	end
	local frame = debug.getinfo(co, level, "f").func

	local words = words_of(source)
	local names, values = {}, {}	-- names to declare, the last of a kind counts; name -> value
	local upvalues = {}				-- name -> index of the upvalue of frame
	local locals = {}				-- name -> index of the local of frame
	for name, value in pairs(env or {}) do
		if words[name] then
			names[#names + 1] = name
			values[name] = value
		end
	end
	for i = 1, math.huge do
		local name, value = debug.getupvalue(frame, i)
		if name == nil then
			break
		elseif words[name] then
			names[#names + 1] = name
			values[name] = value
			upvalues[name] = i
		end
	end
	-- The last local of a name is the innermost.
	for i = 1, math.huge do
		local name, value = debug.getlocal(co, level, i)
		if name == nil then
			break
		elseif words[name] then
			names[#names + 1] = name
			values[name] = value
			locals[name] = i
			upvalues[name] = nil
		end
	end
	local varargs, n = {}, 0
	for i = 1, math.huge do
		local name, value = debug.getlocal(co, level, -i)
		if name == nil then
			break
		end
		varargs[i], n = value, i
	end

	local chunk, err = compile(source, names)
	if not chunk then
		return false, err
	end
	local f = chunk()
	local local_slot = {}			-- name -> index of the upvalue of f that holds the copy of a local
	for i = 1, math.huge do
		local name = debug.getupvalue(f, i)
		if name == nil then
			break
		elseif upvalues[name] then
			debug.upvaluejoin(f, i, frame, upvalues[name])
		elseif locals[name] then
			debug.setupvalue(f, i, values[name])
			local_slot[name] = i
		elseif values[name] ~= nil then
			debug.setupvalue(f, i, values[name])
		end
	end

	local result = table.pack(pcall(f, table.unpack(varargs, 1, n)))

	-- When source blocked, the coroutine may have gone on meanwhile, and the locals may be gone.
	local now = debug.getinfo(co, level, "f")
	if now and now.func == frame then
		for name, i in pairs(local_slot) do
			local _, value = debug.getupvalue(f, i)
			local index = locals[name]
			if not rawequal(value, values[name]) and debug.getlocal(co, level, index) == name then
				debug.setlocal(co, level, index, value)
			end
		end
	end
	return table.unpack(result, 1, result.n)
end
