-- A console for a running node, one command a line over TCP, or in the path of an HTTP GET and the body of a POST; also for
-- HTTP what is answered is the bare text. "debug_console [ip] port"; it listens on loopback unless told otherwise, for who can
-- reach it can do everything.
--
-- A connection is { id =, agent =, reader =, line = }. Its coroutine reads a line, runs the command and writes what came of
-- it. While "debug" runs, a second coroutine reads the lines for the agent; agent is set as long as it may. It can only stop
-- with a line in hand, which is then left in `line` (false: the end) as the next command.

local skynet = require "skynet"
local core = require "skynet.core"
local memory = require "skynet.memory"
local socket = require "skynet.socket"
local httpd = require "http.httpd"
local sockethelper = require "http.sockethelper"

local HTTP_BODY_MAX <const> = 8192
local LINE_MAX <const> = 1024 * 1024	-- bytes that may come without a line's end
local TIMEOUT <const> = 300		-- 1/100 s that services have to answer

local WELCOME <const> = "Welcome to skynet console\n"
local OK <const> = "<CMD OK>\n"
local FAILED <const> = "\n<CMD Error>\n"
local INVALID <const> = "Invalid command, type help for command list\n"

local command = {}		-- name -> function(word...), returns what is shown
local line_command = {}	-- name -> function(connection, line, word...), for those that need more than their words

-- what is shown

local function sorted_keys(t)
	local keys = {}
	for key in pairs(t) do
		keys[#keys + 1] = key
	end
	table.sort(keys, function(a, b)
		return tostring(a) < tostring(b)
	end)
	return keys
end

local function fields(value)
	if type(value) ~= "table" then
		return tostring(value)
	end
	local texts = {}
	for i, key in ipairs(sorted_keys(value)) do
		texts[i] = tostring(key) .. ":" .. tostring(value[key])
	end
	return table.concat(texts, "\t")
end

-- A table has a line for each key; nil and false show nothing.
local function lines_of(result)
	if not result then
		return ""
	elseif type(result) ~= "table" then
		return tostring(result) .. "\n"
	end
	local lines = {}
	for i, key in ipairs(sorted_keys(result)) do
		lines[i] = tostring(key) .. "\t" .. fields(result[key]) .. "\n"
	end
	return table.concat(lines)
end

-- what the words mean

-- Handle of an address: ".name", or the hexadecimal digits of a handle, those of the node may be missing; ":hex" is left as
-- it is, a string, and reaches also what is no handle.
local function handle_of(address)
	local prefix = address:sub(1, 1)
	if prefix == "." then
		return skynet.localname(address) or error "Not a valid name"
	elseif prefix == ":" then
		return address
	end
	local digits = address:match "^%x+$"
	if digits == nil or #digits > 8 then
		error "Need an address"
	end
	return tonumber(digits, 16) | skynet.harbor(skynet.self()) << 24
end

-- In 1/100 s; nil: no limit.
local function timeout_of(word)
	if word == nil then
		return TIMEOUT
	end
	local ti = tonumber(word) or error "Need a timeout in 1/100 s"
	return ti > 0 and ti or nil
end

local function is_on(word)
	return word == "on" or word == "true"
end

local function ask(address, ...)
	return skynet.call(handle_of(address), "debug", ...)
end

local function ask_launcher(...)
	return skynet.call(".launcher", "lua", ...)
end

-- services

function command.list()
	return ask_launcher "LIST"
end

function command.stat(timeout)
	return ask_launcher("STAT", timeout_of(timeout))
end

function command.mem(timeout)
	return ask_launcher("MEM", timeout_of(timeout))
end

function command.gc(timeout)
	return ask_launcher("GC", timeout_of(timeout))
end

function command.service()
	return skynet.call("SERVICE", "lua", "LIST")
end

local function started(handle, name)
	return { [skynet.address(handle)] = name }
end

function command.start(...)
	local ok, handle = pcall(skynet.newservice, ...)
	if not ok then
		return "Failed"
	end
	return handle and started(handle, ...) or "Exit"
end

function command.log(...)
	local ok, handle = pcall(ask_launcher, "LOGLAUNCH", "snlua", ...)
	return ok and handle and started(handle, ...) or "Failed"
end

function command.snax(...)
	local ok, object = pcall(function(...)
		return require "skynet.snax".newservice(...)
	end, ...)
	return ok and object and started(object.handle, ...) or "Failed"
end

function command.exit(address)
	skynet.send(handle_of(address), "debug", "EXIT")
end

function command.kill(address)
	return ask_launcher("KILL", handle_of(address))
end

function command.signal(address, number)
	address = skynet.address(handle_of(address))
	core.command("SIGNAL", number and string.format("%s %d", address, number) or address)
end

-- what a service is doing

function command.info(address, ...)
	return (ask(address, "INFO", ...))
end

function command.task(address)
	return (ask(address, "TASK"))
end

function command.uniqtask(address)
	return (ask(address, "UNIQTASK"))
end

function command.killtask(address, pattern)
	return (ask(address, "KILLTASK", pattern))
end

function command.ping(address)
	local handle = handle_of(address)
	local start = skynet.now()
	skynet.call(handle, "debug", "PING")
	return tostring(skynet.now() - start)
end

function command.dbgcmd(address, cmd, ...)
	return (ask(address, cmd, ...))
end

function command.inject(address, filename, ...)
	local handle = handle_of(address)
	local file = io.open(filename, "rb")
	if file == nil then
		return "Can't open " .. filename
	end
	local source = file:read "a"
	file:close()
	local ok, output = skynet.call(handle, "debug", "RUN", source, filename, ...)
	if not ok then
		error(output)
	end
	return output
end

function command.trace(address, typename, flag)
	local handle = handle_of(address)
	if typename == "on" or typename == "off" then
		typename, flag = "lua", typename
	end
	if flag ~= nil then
		flag = is_on(flag)
	end
	skynet.call(handle, "debug", "TRACELOG", typename or "lua", flag)
end

function command.logon(address)
	core.command("LOGON", skynet.address(handle_of(address)))
end

function command.logoff(address)
	core.command("LOGOFF", skynet.address(handle_of(address)))
end

--- What follows the address is a list of Lua expressions, of literals and operators: there are no names.
function line_command.call(_, line, address)
	local handle = handle_of(address)
	local source = line:match "^%s*%S+%s+%S+%s+(.*%S)" or error "need arguments"
	local arguments = load("return " .. source, "debug console", "t", {}) or error "Invalid arguments"
	return table.pack(skynet.call(handle, "lua", arguments()))
end

-- the debugger

-- The next line without its end; nil when there is none. Yields.
local function next_line(connection)
	while connection.reader do
		connection.waiting = true
		skynet.wait(connection)
		connection.waiting = false
	end
	local line = connection.line
	if line == nil then
		line = socket.readline(connection.id, "\n")
	end
	connection.line = nil
	return line or nil
end

-- Give lines to the agent up to "cont", or to the end, which counts as that.
local function forward_lines(connection, agent)
	-- An agent that cannot attach is gone before it answers this, and no line is taken.
	if pcall(skynet.call, agent, "lua", "ping") then
		repeat
			local line = socket.readline(connection.id, "\n")
			if connection.agent ~= agent then
				connection.line = line
				break
			end
			line = line and line:gsub("\r$", "") or "cont"
			skynet.send(agent, "lua", "cmd", line)
		until line == "cont"
	end
	connection.reader = false
	if connection.waiting then
		skynet.wakeup(connection)
	end
end

function line_command.debug(connection, _, address)
	local handle = handle_of(address)
	local agent = skynet.newservice "debug_agent"
	connection.agent = agent
	connection.reader = true
	skynet.fork(forward_lines, connection, agent)
	local ok, err = skynet.call(agent, "lua", "start", handle, connection.id)
	connection.agent = nil
	if not ok then
		error(err)
	end
end

-- the node

function command.clearcache()
	require "skynet.codecache".clear()
end

function command.getenv(name)
	return { [name] = tostring(skynet.getenv(name)) }
end

function command.setenv(name, value)
	skynet.setenv(name, value)
end

local function bytes_text(n)
	if n < 1024 then
		return tostring(n)
	elseif n < 1024 * 1024 then
		return n / 1024 .. "K"
	end
	return n / (1024 * 1024) .. "M"
end

local function age_text(ti)
	local seconds = ti / 100
	if seconds < 60 then
		return seconds .. "s"
	end
	local minutes = seconds // 60 | 0
	local rest = string.format("%.2gs", seconds % 60)
	if minutes < 60 then
		return minutes .. ":" .. rest
	end
	return string.format("%d:%d:%s", minutes // 60, minutes % 60, rest)
end

function command.netstat()
	local list = socket.netstat()
	local now = skynet.now()
	for _, entry in ipairs(list) do
		entry.address = skynet.address(entry.address)
		for _, name in ipairs { "read", "write", "wbuffer" } do
			local n = entry[name]
			entry[name] = n and n > 0 and bytes_text(n) or nil
		end
		for _, name in ipairs { "rtime", "wtime" } do
			entry[name] = entry[name] and age_text(now - entry[name])
		end
	end
	return list
end

function command.cmem()
	local result = { total = memory.total(), block = memory.block() }
	for handle, bytes in pairs(memory.info()) do
		result[skynet.address(handle)] = bytes
	end
	return result
end

function command.jmem()
	local result = {}
	for name, bytes in pairs(memory.jestat()) do
		result[name] = string.format("%11d  %8.2f Mb", bytes, bytes / (1024 * 1024))
	end
	return result
end

function command.profactive(flag)
	if flag ~= nil then
		memory.profactive(is_on(flag))
	end
	return "heap profilling is " .. (memory.profactive() and "active" or "deactive")
end

function command.dumpheap()
	memory.dumpheap()
end

function command.help()
	return {
		help = "This help message",
		list = "List all the service",
		stat = "Dump all stats",
		info = "info address : get service infomation",
		exit = "exit address : kill a lua service",
		kill = "kill address : kill service",
		mem = "mem : show memory status",
		gc = "gc : force every lua service do garbage collect",
		start = "lanuch a new lua service",
		snax = "lanuch a new snax service",
		clearcache = "clear lua code cache",
		service = "List unique service",
		task = "task address : show service task detail",
		uniqtask = "task address : show service unique task detail",
		killtask = "killtask address threadname : threadname listed by task",
		inject = "inject address luascript.lua",
		logon = "logon address",
		logoff = "logoff address",
		log = "launch a new lua service with log",
		debug = "debug address : debug a lua service",
		signal = "signal address sig",
		cmem = "Show C memory info",
		jmem = "Show jemalloc mem stats",
		ping = "ping address",
		call = "call address ...",
		trace = "trace address [proto] [on|off]",
		netstat = "netstat : show netstat",
		profactive = "profactive [on|off] : active/deactive jemalloc heap profilling",
		dumpheap = "dumpheap : dump heap profilling",
		getenv = "getenv name : skynet.getenv(name)",
		setenv = "setenv name value: skynet.setenv(name,value)",
		dbgcmd = "run address debug command",
	}
end

-- connections

-- Run a line and return what is to be written. Yields.
local function execute(connection, line)
	local words = {}
	for word in line:gmatch "%S+" do
		words[#words + 1] = word
	end
	local name = words[1]
	local ok, result
	if command[name] then
		ok, result = pcall(command[name], table.unpack(words, 2))
	elseif line_command[name] then
		ok, result = pcall(line_command[name], connection, line, table.unpack(words, 2))
	else
		return INVALID .. FAILED
	end
	if not ok then
		return tostring(result) .. FAILED
	end
	return lines_of(result) .. OK
end

-- The command in an HTTP request that begins with a line; "" when the request is malformed. Yields.
local function http_command(connection, line)
	local read = sockethelper.readfunc(connection.id, line .. "\n")
	local status, url, method, _, body = httpd.read_request(read, HTTP_BODY_MAX)
	if status ~= 200 then
		return ""
	elseif method == "POST" then
		return body
	end
	return (url:sub(2):gsub("/", " "))
end

local function serve(id)
	local connection = { id = id }
	socket.limit(id, LINE_MAX)
	socket.write(id, WELCOME)
	for line in next_line, connection do
		if line:find "^GET " or line:find "^POST " then
			socket.write(id, execute(connection, http_command(connection, line)))
			return
		elseif line ~= "" then
			socket.write(id, execute(connection, line))
		end
	end
end

local function accept(id, address)
	if not socket.start(id) then
		return
	end
	skynet.error(address, "connected")
	local ok, err = xpcall(serve, debug.traceback, id)
	if not ok then
		skynet.error(id, err)
	end
	skynet.error(address, "disconnect")
	socket.close(id)
end

local arguments = { ... }

skynet.start(function()
	assert(#arguments <= 2, "Invalid arguments: debug_console [ip] port")
	local port = table.remove(arguments)
	local ip = arguments[1] or "127.0.0.1"
	local id, real_ip, real_port = socket.listen(ip, port)
	skynet.error(string.format("Start debug console at %s:%d", real_ip, real_port))
	socket.start(id, function(client, address)
		skynet.fork(accept, client, address)
	end)
end)
