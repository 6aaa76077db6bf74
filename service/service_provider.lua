-- Keeper of the services made by skynet.service: each is a function, run in a service_cell under a name.

local skynet = require "skynet"

-- name -> {
--   handle     number, once it runs
--   booting    true while it starts
--   error      why it failed to start; kept, so that later requests fail too
--   queue      responses of the requests that wait
--   init       its arguments as text
--   time       when it was launched, in seconds
-- }
local services = {}

local command = {}

local function entry(name)
	local s = services[name]
	if not s then
		s = { queue = {} }
		services[name] = s
	end
	return s
end

function command.test(name)
	local s = services[name]
	if not s then
		skynet.ret()
	elseif s.booting then
		skynet.retpack(nil, true)
	elseif s.handle then
		skynet.retpack(s.handle)
	elseif s.error then
		error(s.error)
	else
		skynet.ret()
	end
end

function command.query(name)
	local s = entry(name)
	if s.handle then
		skynet.retpack(s.handle)
	elseif s.error then
		error(s.error)
	else
		s.queue[#s.queue + 1] = skynet.response()
	end
end

-- Returns the handle; raises when it cannot be started.
local function boot(name, code, ...)
	local handle = skynet.newservice("service_cell", name)
	local ok, err = pcall(skynet.call, handle, "lua", "init", code, ...)
	if not ok then
		skynet.send(handle, "debug", "EXIT")
		error(err, 0)
	end
	return handle
end

local function text_of(...)
	local words = table.pack(...)
	for i = 1, words.n do
		words[i] = tostring(words[i])
	end
	return table.concat(words, ",")
end

function command.launch(name, code, ...)
	local s = entry(name)
	if s.handle then
		skynet.retpack(s.handle)
		return
	elseif s.error then
		error(s.error)
	elseif s.booting then
		s.queue[#s.queue + 1] = skynet.response()
		return
	end
	s.booting = true
	s.init = text_of(...)
	s.time = os.time()
	local ok, result = pcall(boot, name, code, ...)
	s.booting = false
	local queue = s.queue
	s.queue = {}
	if ok then
		s.handle = result
	else
		s.error = tostring(result)
	end
	for _, respond in ipairs(queue) do
		respond(ok, s.handle)
	end
	if not ok then
		error(s.error)
	end
	skynet.retpack(s.handle)
end

function command.close(name)
	local s = services[name]
	-- One that others wait for stays.
	if not s or s.booting or #s.queue > 0 then
		skynet.retpack(nil)
		return
	end
	services[name] = nil
	skynet.retpack(s.handle)
end

local function status_of(s)
	if s.booting then
		return "booting"
	elseif #s.queue > 0 then
		return string.format("waiting(%d)", #s.queue)
	end
end

skynet.info_func(function()
	local list = {}
	for name, s in pairs(services) do
		list[s.handle and skynet.address(s.handle) or name] = {
			name = name,
			init = s.init,
			time = s.time and os.date("%Y %b %d %H:%M:%S %z", s.time),
			status = status_of(s),
			error = s.error,
		}
	end
	return list
end)

skynet.dispatch("lua", function(_, _, cmd, ...)
	local f = command[cmd]
	if not f then
		error("Unknown command " .. tostring(cmd))
	end
	f(...)
end)

skynet.start(function() end)
