-- The debug command of the console without the console: debug_agent, a channel, and skynet.remotedebug in the target

local skynet = require "skynet"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

if ... == "target" then
	local counter = 0
	local function add(n)
		local before = counter
		counter = before + n
		return counter
	end
	local command = {}
	function command.add(n)
		local result = add(n)
		return result
	end
	function command.fail()
		error "expected in the log: the handler fails"
	end
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd, ...)
			local f = command[cmd]
			skynet.retpack(f(...))
		end)
	end)
	return
end

local socket = require "skynet.socket"

local target, agent
local client		-- what the target writes to the other end of this connection is read here
local debugging		-- waits for the end of the debug session

local function start_session()
	local server, address, port = socket.listen("127.0.0.1", 0)
	local accepted, token = nil, {}
	socket.start(server, function(id)
		socket.start(id)
		accepted = id
		skynet.wakeup(token)
	end)
	client = socket.open(address, port)
	if not accepted then
		skynet.wait(token)
	end
	target = kit.peer "target"
	agent = skynet.newservice "debug_agent"
	local outcome
	skynet.fork(function()
		outcome = { skynet.call(agent, "lua", "start", target, accepted) }
		skynet.wakeup(token)
	end)
	function debugging()
		if not outcome then
			skynet.wait(token)
		end
		return outcome
	end
end

-- Reads up to a prompt, and returns what stood before it.
local function read_to_prompt(prompt)
	return socket.readline(client, prompt or (skynet.address(target) .. ">"))
end

local function line(text)
	skynet.send(agent, "lua", "cmd", text)
end

-- A request to the target, made in a fork. Returns a function that waits for { pcall results }.
local function request(...)
	local outcome
	local token = {}
	local args = table.pack(...)
	skynet.fork(function()
		outcome = { pcall(skynet.call, target, "lua", table.unpack(args, 1, args.n)) }
		skynet.wakeup(token)
	end)
	return function()
		if not outcome then
			skynet.wait(token)
		end
		return outcome
	end
end

-- Reads up to a prompt inside this file; returns the text before it and the line number.
local function read_to_stop()
	local text = socket.readline(client, ")>")
	local before, number = string.match(text, "^(.*)" .. SERVICE_NAME:gsub("%p", "%%%0") .. "%.lua%((%d+)$")
	return before, tonumber(number)
end

local function source_line(number)
	local n = 0
	for text in io.lines(SERVICE_PATH .. SERVICE_NAME .. ".lua") do
		n = n + 1
		if n == number then
			return string.match(text, "^%s*(.*)$")
		end
	end
end

local function read_to_source()
	local before, number = read_to_stop()
	kit.ok(number, before)
	return source_line(number)
end

kit.case("a session opens with a prompt", function()
	kit.equal(read_to_prompt(), "")
end)

kit.case("expressions are evaluated and their values printed", function()
	line "1 + 1, 'x'"
	kit.equal(read_to_prompt(), "2\tx\t\n")
	line ""
	kit.equal(read_to_prompt(), "")
end)

kit.case("statements are run", function()
	line "local a = 5 print(a, 'printed')"
	kit.equal(read_to_prompt(), "5\tprinted\t\n\n")
end)

kit.case("an error is printed", function()
	line "error 'oops'"
	kit.equal(read_to_prompt(), "(debug):3: oops\t\n")
end)

kit.case("an unknown protocol cannot be watched", function()
	line "watch 'nosuch'"
	kit.contains(read_to_prompt(), "No nosuch")
end)

kit.case("a watched request stops at its first line and can be looked into", function()
	line "watch 'lua'"
	kit.equal(read_to_prompt(), "\n")
	local answer = request("add", 5)
	kit.equal(read_to_source(), "local f = command[cmd]")
	line "cmd, ..."
	kit.contains((read_to_stop()), "add\t5\t\n")
	line "c"
	read_to_prompt()
	kit.equal(answer(), { true, 5 })
end)

kit.case("stepping over and into functions", function()
	line "watch('lua', function(_, _, cmd) return cmd == 'add' end)"
	read_to_prompt()
	local answer = request("add", 1)
	read_to_stop()
	line "n"
	kit.equal(read_to_source(), "skynet.retpack(f(...))")
	line "s"
	kit.equal(read_to_source(), "local result = add(n)")
	line "s"
	kit.equal(read_to_source(), "local before = counter")
	line "before, counter, n"
	kit.contains((read_to_stop()), "nil\t5\t1\t\n")
	line "n = 100"
	read_to_stop()
	line "n"
	kit.equal(read_to_source(), "counter = before + n")
	line "n"
	read_to_stop()
	line "n"
	kit.equal(read_to_source(), "return result")
	line "c"
	read_to_prompt()
	kit.equal(answer(), { true, 105 })
end)

kit.case("a request that does not meet the condition passes", function()
	line "watch('lua', function(_, _, cmd) return cmd == 'fail' end)"
	read_to_prompt()
	kit.equal(request("add", 1)(), { true, 106 })
end)

kit.case("an error after a stop reaches the caller", function()
	local answer = request "fail"
	read_to_stop()
	line "c"
	read_to_prompt()
	kit.equal(answer()[1], false)
end)

kit.case("a second session is refused", function()
	local second = skynet.newservice "debug_agent"
	kit.equal({ skynet.call(second, "lua", "start", target, 0) }, { false, "Debugger attach failed" })
end)

kit.case("leaving continues what is stopped and ends the session", function()
	line "watch 'lua'"
	read_to_prompt()
	local answer = request("add", 4)
	read_to_stop()
	line "cont"
	kit.equal(debugging(), { true })
	kit.equal(answer(), { true, 110 })
	kit.equal(request("add", 1)(), { true, 111 })
end)

kit.run(start_session)
