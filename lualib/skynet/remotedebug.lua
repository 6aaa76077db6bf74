-- Look into a living service from the debug console: evaluate, break at a request, step. Loaded by skynet.debug.
--
-- Commands come through a channel, not as messages, and are read before each message is dispatched; a timer sees to
-- it that there is one every 0.1 s. A breakpoint is a line hook that yields nothing: skynet.lua then leaves the
-- coroutine alone, the service goes on with other messages, and what is typed is evaluated in the stopped frame. To
-- continue, skynet._resume runs it as the dispatcher would have. Only one coroutine is stopped or stepped at a time.

local skynet = require "skynet"
local debugchannel = require "skynet.debugchannel"
local socketdriver = require "skynet.socketdriver"
local injectcode = require "skynet.injectcode"

local remotedebug = {}

local channel		-- our end; nil when not debugging
local socket_id		-- of the console's connection; what is printed goes there
local finish		-- response to the REMOTEDEBUG request

-- The request at whose handler we broke: { co, depth }; depth counts the calls since the last stop.
local target
local stopped		-- text of the place where target is stopped, or nil
local watched		-- { typename, dispatch }: the handler replaced by one that breaks

local TICK <const> = 10	-- 1/100 s between looks into the channel
local THIS_FILE <const> = debug.getinfo(1, "S").source

local environment = {}

local function write(text)
	socketdriver.send(socket_id, text)
end

function environment.print(...)
	local words = table.pack(...)
	for i = 1, words.n do
		words[i] = tostring(words[i]) .. "\t"
	end
	write(table.concat(words) .. "\n")
end

local function prompt()
	write((stopped or skynet.address(skynet.self())) .. ">")
end

local function unwatch()
	if watched then
		skynet.dispatch(watched.typename, watched.dispatch)
		watched = nil
	end
end

local function release_target()
	if target then
		debugchannel.sethook(target.co)
		target, stopped = nil, nil
		environment._CO = nil
	end
end

-- Closed when the handler has returned or failed.
local request_meta = { __close = function(request)
	if target == request then
		release_target()
		prompt()
	end
end }

-- Keeps the call of its argument from being a tail call.
local function pass(...)
	return ...
end

-- C functions that let a yield of what they call pass.
local transparent = { [pcall] = true, [xpcall] = true, [dofile] = true }

-- Called by the hook: can the hooked function yield? coroutine.isyieldable would answer for the hook itself, which
-- never can. A C function at the bottom is what the coroutine was made of, and yields pass it.
local function can_yield()
	local level = 3		-- 1 is this function, 2 the hook
	local info = debug.getinfo(level, "Sf")
	while info do
		level = level + 1
		local below = debug.getinfo(level, "Sf")
		if info.what == "C" and below and not transparent[info.func] then
			return false
		end
		info = below
	end
	return true
end

-- Break at the next line of any function, or with step_into false at one of the function stopped in or of its
-- callers.
local function hook(step_into)
	target.depth = 0
	debugchannel.sethook(target.co, function(event, line)
		if event == "call" then
			target.depth = target.depth + 1
		elseif event == "return" then
			target.depth = target.depth - 1
		elseif event == "line" and (step_into or target.depth <= 0) and can_yield() then
			-- 1 is this function, 2 the one with the line.
			local source = debug.getinfo(2, "S").source
			if source ~= THIS_FILE then
				stopped = string.format("%s(%d)", string.gsub(source, "^@", ""), line)
				prompt()
				return true
			end
		end
		return false
	end, "crl")
end

-- Break when the handler of a protocol is called next.
function environment.watch(typename, condition)
	local proto = skynet._proto[typename]
	if not proto then
		return "No " .. tostring(typename)
	end
	local dispatch = proto.dispatch
	if not dispatch then
		return "No dispatch"
	end
	unwatch()
	watched = { typename = typename, dispatch = dispatch }

	skynet.dispatch(typename, function(session, source, ...)
		if target or (condition and not condition(session, source, ...)) then
			return dispatch(session, source, ...)
		end
		unwatch()
		local request <close> = setmetatable({ co = coroutine.running() }, request_meta)
		target = request
		environment._CO = request.co
		hook(true)
		return pass(dispatch(session, source, ...))
	end)
end

-- In a fork, for what it runs may block or fail as any task.
local function resume(co)
	skynet.fork(skynet._resume, co)
end

local function go_on()
	stopped = nil
	resume(target.co)
end

local function leave()
	skynet._hook_dispatch(nil)
	unwatch()
	local co = stopped and target.co
	release_target()
	if co then
		resume(co)
	end
	channel = nil
	skynet.error "Leave debug mode"
	finish(true)
end

-- What is typed when nothing is stopped sees this frame: the globals, skynet, and the message at hand as `...`.
local function evaluate_here(source, ...)
	local skynet, _ENV = skynet, _ENV
	return pass(injectcode(source, nil, 0, environment))
end

local function show(ok, ...)
	environment.print(...)
end

local function evaluate(line, ...)
	local source = "return " .. line
	if not load(source) then
		source = line
	end
	if stopped then
		show(injectcode(source, target.co, 0, environment))
	else
		show(evaluate_here(source, ...))
	end
end

local function execute(line, ...)
	if line == "cont" then
		leave()
		return
	elseif stopped and line == "s" then
		hook(true)
		go_on()
		return
	elseif stopped and line == "n" then
		hook(false)
		go_on()
		return
	elseif stopped and line == "c" then
		local co = target.co
		release_target()
		resume(co)
	elseif line ~= "" then
		evaluate(line, ...)
	end
	prompt()
end

local function before_dispatch(...)
	while channel do
		local line = channel:read()
		if not line then
			return
		end
		execute(line, ...)
	end
end

local function tick()
	if channel then
		skynet.timeout(TICK, tick)
	end
end

--- Enter debug mode. The request of the running coroutine is answered when it is left.
---@param fd integer    socket of the console
---@param handle lightuserdata    of the channel made by debugchannel.create
--- Errors: "Already in debug mode"; those of debugchannel.connect.
function remotedebug.start(fd, handle)
	if channel then
		error "Already in debug mode"
	end
	channel = debugchannel.connect(handle)
	socket_id = fd
	finish = skynet.response()
	skynet.error "Enter debug mode"
	skynet._hook_dispatch(before_dispatch)
	prompt()
	tick()
end

return remotedebug
