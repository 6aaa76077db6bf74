-- What the conformance scripts share: printing that cannot be torn or lost, and an end that waits for the log.
-- Only the public API of skynet is used, so that the scripts run on any skynet-compatible runtime.
local skynet = require "skynet"
local core = require "skynet.core"

local conf = {}

-- Order of keys in a printed table: numbers first, then by text.
local function before(a, b)
	local ta, tb = type(a), type(b)
	if ta == "number" and tb == "number" then
		return a < b
	elseif ta ~= tb then
		return ta == "number"
	end
	return tostring(a) < tostring(b)
end

--- Text of a value: strings quoted when inside tables, tables with their keys in order.
---@param v any
---@param inner? boolean    v is inside a table
---@return string
function conf.show(v, inner)
	if type(v) == "table" then
		local keys = {}
		for k in next, v do
			keys[#keys + 1] = k
		end
		table.sort(keys, before)
		local part = {}
		for i, k in ipairs(keys) do
			local name = type(k) == "string" and k or "[" .. conf.show(k, true) .. "]"
			part[i] = name .. "=" .. conf.show(rawget(v, k), true)
		end
		return "{" .. table.concat(part, ", ") .. "}"
	elseif type(v) == "string" then
		return inner and string.format("%q", v) or v
	elseif type(v) == "function" or type(v) == "thread" or type(v) == "userdata" then
		return type(v)
	end
	return tostring(v)
end

-- The first service that loads this file is the start service.
local is_start = not skynet.getenv "conformance_started"
if is_start then
	skynet.setenv("conformance_started", skynet.self())
end

--- Show the values on one line: of stdout for the start service, of the log for the others. Nothing orders the lines
--- of two services, and only in the log are they told apart.
---@param ... any
function conf.out(...)
	local part = table.pack(...)
	for i = 1, part.n do
		part[i] = conf.show(part[i])
	end
	local text = table.concat(part, " ")
	if is_start then
		io.stdout:write(text, "\n")
		io.stdout:flush()
	else
		skynet.error(text)
	end
end

--- Bare text of an error: no file positions, no traceback.
---@param e any
---@return string
function conf.err(e)
	if type(e) ~= "string" then
		return conf.show(e)
	end
	e = e:match "^(.-)\nstack traceback:" or e
	local n
	repeat
		e, n = e:gsub("^[^\n:]*%.lua:%d+: ", "")
	until n == 0
	-- How Lua names the variable depends on its version and on how the library is written.
	e = e:gsub("(attempt to %a+ a %a+ value) %(.-%)$", "%1")
	-- Under pcall a C function is named by whichever module of package.loaded is found first to hold it.
	return (e:gsub("^(bad argument #%d+ to ')[%w_.]-([%w_]+')", "%1%2"))
end

--- Call f and print "<what> ok <results>" or "<what> error <bare text>".
---@param what string
---@param f function
---@param ... any
---@return boolean
function conf.try(what, f, ...)
	local r = table.pack(pcall(f, ...))
	if r[1] then
		conf.out(what, "ok", table.unpack(r, 2, r.n))
	else
		conf.out(what, "error", conf.err(r[2]))
	end
	return r[1]
end

--- Bytes as hex, blank separated.
---@param s string
---@return string
function conf.hex(s)
	return (s:gsub(".", function(c)
		return string.format("%02x ", c:byte())
	end):gsub(" $", ""))
end

--- Wait until cond() is true; looks again every 10 ms. Yields. Errors after limit seconds.
---@param cond fun(): any
---@param limit? number    seconds, 20 when absent
function conf.await(cond, limit)
	local deadline = skynet.hpc() + (limit or 20) * 1e9
	while not cond() do
		if skynet.hpc() > deadline then
			error "conf.await: the condition did not come true"
		end
		skynet.sleep(1)
	end
end

-- Waiting for the log blocks this worker instead of the coroutine: a sleep takes a session number, and how many
-- sleeps it takes differs from run to run. A node with one worker has no other to write the log meanwhile.
local alone = skynet.getenv "thread" == "1"

local function pause()
	if alone then
		skynet.sleep(1)
	else
		os.execute "sleep 0.005"
	end
end

local function occurrences(all, text)
	local n, at = 0, 1
	while true do
		local first, last = all:find(text, at, true)
		if not first then
			return n
		end
		n, at = n + 1, last + 1
	end
end

--- Wait until the log holds this plain text. Blocks the worker (yields when there is only one).
---@param text string
---@param times? integer    how often, 1 when absent
function conf.logged(text, times)
	local name = assert(skynet.getenv "logger", "run me by snhost compare")
	local deadline = skynet.hpc() + 20e9
	while true do
		local f = io.open(name, "rb")
		if f then
			local all = f:read "a"
			f:close()
			if occurrences(all, text) >= (times or 1) then
				return
			end
		end
		if skynet.hpc() > deadline then
			error("not in the log: " .. text)
		end
		pause()
	end
end

-- Services whose last log lines are waited for at the end.
local watched = {}

--- Wait at the end for what this service has to say. It must answer the debug protocol, or be gone by then.
---@param addr integer
function conf.watch(addr)
	watched[#watched + 1] = addr
end

-- A reply can overtake the log line of the same turn; the reply to a later request cannot.
local function flush()
	local left, me = #watched, {}
	for _, addr in ipairs(watched) do
		skynet.fork(function()
			pcall(skynet.call, addr, "debug", "PING")
			left = left - 1
			if left == 0 then
				skynet.wakeup(me)
			end
		end)
	end
	if left > 0 then
		skynet.wait(me)
	end
end

--- End the node, as soon as everything logged so far is written. Yields.
function conf.finish()
	flush()
	skynet.error "conformance script ends"
	conf.logged "conformance script ends\n"
	core.command "ABORT"
end

--- Run f as the start service, when bootstrap has ended: its log is complete then, and its handle is free.
--- An error in f is printed and ends the node.
---@param f function
function conf.run(f)
	skynet.start(function()
		skynet.fork(function()
			if not alone then
				conf.logged "[:00000002] KILL self"
			end
			local ok, err = xpcall(f, debug.traceback)
			if not ok then
				conf.out("script failed:", err)
			end
			conf.finish()
		end)
	end)
end

--- A peer: this same script, started again with a role as argument. The main chunk gets the role in `...`.
---@param role string
---@param ... any
---@return integer? handle
function conf.peer(role, ...)
	local addr = skynet.newservice(SERVICE_NAME, role, ...)
	if addr then
		conf.watch(addr)
	end
	return addr
end

--- A peer that does not answer the debug protocol, and is not waited for at the end.
---@param role string
---@param ... any
---@return integer? handle
function conf.bare_peer(role, ...)
	return skynet.newservice(SERVICE_NAME, role, ...)
end

--- Answer lua requests from a table of functions: the results of command[name](...) are returned.
---@param command table
function conf.serve(command)
	skynet.start(function()
		skynet.dispatch("lua", function(session, _, cmd, ...)
			local f = assert(command[cmd], cmd)
			if session == 0 then
				f(...)
			else
				skynet.ret(skynet.pack(f(...)))
			end
		end)
		if command.start then
			command.start()
		end
	end)
end

return conf
