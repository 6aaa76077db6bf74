-- The service behind a snax service: finds its source, and calls its methods by number.

local skynet = require "skynet"
local profile = require "skynet.profile"
local snax = require "skynet.snax"
local read_interface = require "snax.interface"

local name = ...
local loader = skynet.getenv "snax_loader"
local methods, pattern = read_interface(name, _G, loader and dofile(loader))

-- What comes with a service is in a directory of its name beside its source.
local directory = pattern and pattern:match "^(.-)%?"
if directory then
	SERVICE_PATH = directory .. name .. "/"
	package.path = SERVICE_PATH .. "?.lua;" .. package.path
end
SERVICE_NAME = name

local initialized = false
local statistics = {}	-- method -> { count =, time = }; time in seconds of CPU

local function count(method, time)
	local record = statistics[method.name]
	if record == nil then
		record = { count = 0, time = 0 }
		statistics[method.name] = record
	end
	record.count = record.count + 1
	record.time = record.time + time
end

local function finish(method, ok, ...)
	count(method, profile.stop())
	if not ok then
		error((...), 0)
	end
	return ...
end

local function timed(method, ...)
	profile.start()
	return finish(method, xpcall(method.f, debug.traceback, ...))
end

local system = {}

function system.init(method, ...)
	assert(not initialized, "Already init")
	if method.f then
		method.f(...)
	end
	initialized = true
	skynet.info_func(function()
		return statistics
	end)
	skynet.retpack()
end

function system.exit(method, ...)
	assert(initialized, "Never init")
	if method.f then
		method.f(...)
	end
	skynet.retpack()
	skynet.exit()
end

function system.hotfix(_, ...)
	skynet.retpack(require "snax.hotfix" (methods, ...))
end

function system.profile()
	skynet.retpack(statistics)
end

local function dispatch(_, _, id, ...)
	local method = methods[id]
	if method == nil then
		error(string.format("%s has no method %s", name, id))
	elseif method.group == "system" then
		system[method.name](method, ...)
	else
		assert(initialized, "Init first")
		if method.group == "accept" then
			timed(method, ...)
		else
			skynet.retpack(timed(method, ...))
		end
	end
end

skynet.start(function()
	skynet.dispatch("snax", dispatch)

	--- Take requests of type lua, too: those of other nodes of a cluster come as such.
	function snax.enablecluster()
		skynet.dispatch("lua", dispatch)
	end
end)
