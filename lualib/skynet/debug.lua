-- The commands of protocol "debug" (type 9), which every service answers. Loaded by skynet.lua for the first of them.

local skynet = require "skynet"

local debugger = {}

local extra_command = {}	-- name -> function, added by reg_debugcmd

local command = {}

function command.MEM()
	skynet.retpack(collectgarbage "count")
end

local collecting = false

function command.GC()
	if collecting then
		return
	end
	collecting = true
	local before = collectgarbage "count"
	local start = skynet.now()
	collectgarbage "collect"
	skynet.yield()
	local after = collectgarbage "count"
	collecting = false
	skynet.error(string.format("GC %.2f Kb -> %.2f Kb, cost %.2f sec", before, after, (skynet.now() - start) / 100))
end

function command.STAT()
	skynet.retpack {
		task = skynet.task(),
		mqlen = skynet.mqlen(),
		cpu = skynet.stat "cpu",
		message = skynet.stat "message",
	}
end

function command.KILLTASK(pattern)
	local co = skynet.killthread(pattern)
	if co then
		skynet.error(string.format("Kill %s", co))
		skynet.ret()
	else
		skynet.error(string.format("Kill %s : Not found", pattern))
		skynet.retpack "Not found"
	end
end

function command.TASK(what)
	if what then
		skynet.retpack(skynet.task(what))
	else
		local tasks = {}
		skynet.task(tasks)
		skynet.retpack(tasks)
	end
end

function command.UNIQTASK()
	skynet.retpack(skynet.uniqtask())
end

function command.INFO(...)
	local info = skynet._info_func()
	if info then
		skynet.retpack(info(...))
	else
		skynet.retpack(nil)
	end
end

function command.EXIT()
	skynet.exit()
end

function command.RUN(source, filename, ...)
	local inject = require "skynet.inject"
	local ok, output = inject(skynet, source, filename, table.pack(...),
		debugger.dispatch, skynet.dispatch_message, skynet.register_protocol)
	skynet.retpack(ok, table.concat(output, "\n"))
end

function command.TERM(address)
	skynet.term(address)
end

function command.REMOTEDEBUG(fd, channel)
	require "skynet.remotedebug".start(fd, channel)
end

function command.SUPPORT(typename)
	skynet.retpack(skynet.dispatch(typename) ~= nil)
end

function command.PING()
	skynet.ret()
end

-- Not answered: the error that skynet.exit makes of it tells the caller that this service is gone.
function command.LINK()
	skynet.response()
end

function command.TRACELOG(typename, flag)
	if type(typename) ~= "string" then
		typename, flag = "lua", typename
	end
	skynet.error(string.format("Turn trace log %s for %s", flag, typename))
	skynet.traceproto(typename, flag)
	skynet.ret()
end

--- Add a command. It answers with skynet.ret; built-in commands cannot be replaced.
---@param name string
---@param f function
function debugger.reg_debugcmd(name, f)
	extra_command[name] = f
end

--- Serve one request, in its coroutine.
---@param cmd string
---@param ... any    arguments of the command
--- Errors: the name of an unknown command.
function debugger.dispatch(_, _, cmd, ...)
	local f = command[cmd] or extra_command[cmd]
	assert(f, cmd)
	f(...)
end

return debugger
