-- What the test services share. A test service states its cases and calls run(); the last line on stdout is the
-- verdict. Loaded with dofile(SERVICE_PATH .. "test_kit.lua"); only the public API is used, so that the same service
-- also runs on a real skynet.

local skynet = require "skynet"
require "skynet.manager"

local kit = {}

local cases = {}
local failed = {}
local checks = 0
local current = "main chunk"

local DEADLINE <const> = 9000	-- 1/100 s for the whole service

local function show(value, depth)
	depth = depth or 0
	if type(value) == "string" then
		return string.format("%q", value)
	elseif type(value) ~= "table" or depth > 3 then
		return tostring(value)
	end
	local keys, parts = {}, {}
	for key in pairs(value) do
		keys[#keys + 1] = key
	end
	table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
	for i, key in ipairs(keys) do
		parts[i] = string.format("[%s]=%s", show(key, depth + 1), show(value[key], depth + 1))
	end
	return "{" .. table.concat(parts, ", ") .. "}"
end

local function same(a, b)
	if type(a) ~= "table" or type(b) ~= "table" then
		return rawequal(a, b) or (a == b and math.type(a) == math.type(b))
	end
	for key, value in pairs(a) do
		if not same(value, b[key]) then
			return false
		end
	end
	for key in pairs(b) do
		if a[key] == nil then
			return false
		end
	end
	return true
end

local function fail(text)
	failed[#failed + 1] = current
	skynet.error("FAIL " .. current .. ": " .. text)
end

--- Check a condition.
function kit.ok(condition, what)
	checks = checks + 1
	if not condition then
		fail(what or "not true")
	end
end

--- Check that two values are equal, tables by their content.
function kit.equal(actual, expected, what)
	checks = checks + 1
	if not same(actual, expected) then
		fail(string.format("%s: wanted %s, got %s", what or "equal", show(expected), show(actual)))
	end
end

--- Check that a text holds another one.
function kit.contains(text, part)
	checks = checks + 1
	if type(text) ~= "string" or not string.find(text, part, 1, true) then
		fail(string.format("wanted a text with %q, got %s", part, show(text)))
	end
end

--- Check that a call raises an error whose text holds a plain text.
function kit.raises(part, f, ...)
	local ok, err = pcall(f, ...)
	if ok then
		checks = checks + 1
		fail("no error; wanted " .. part)
	else
		kit.contains(tostring(err), part)
	end
end

--- Add a case.
function kit.case(name, f)
	cases[#cases + 1] = { name = name, f = f }
end

--- Run f as the service's start function, then the cases in their order; then end the node.
function kit.run(f)
	local function verdict(text)
		-- In one write, which a line of the log cannot tear as it can the two of print.
		io.stdout:write("VERDICT " .. text .. "\n")
		io.stdout:flush()
		skynet.abort()
	end
	skynet.start(function()
		skynet.timeout(DEADLINE, function()
			fail "does not end"
			verdict("failed: " .. table.concat(failed, "; "))
		end)
		-- In a fork, so that bootstrap is not held up by the start service.
		skynet.fork(function()
			if f then
				f()
			end
			for _, case in ipairs(cases) do
				current = case.name
				local ok, err = xpcall(case.f, debug.traceback)
				if not ok then
					checks = checks + 1
					fail(tostring(err))
				end
			end
			if #failed == 0 then
				verdict("ok " .. checks)
			else
				verdict("failed: " .. table.concat(failed, "; "))
			end
		end)
	end)
end

--- Start another instance of this script; its main chunk gets the role as first argument. Yields.
function kit.peer(role, ...)
	return skynet.newservice(SERVICE_NAME, role, ...)
end

--- Serve lua requests from a table of functions, whose results are answered.
function kit.serve(command)
	skynet.start(function()
		skynet.dispatch("lua", function(session, _, cmd, ...)
			local f = assert(command[cmd], cmd)
			if session == 0 then
				f(...)
			else
				skynet.retpack(f(...))
			end
		end)
	end)
end

return kit
