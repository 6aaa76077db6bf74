-- Services as objects: a method is called as obj.req.name(...), or told as obj.post.name(...).

local skynet = require "skynet"
local read_interface = require "snax.interface"

local snax = {}

local interfaces = {}		-- name -> interface
local objects = setmetatable({}, { __mode = "v" })	-- handle -> object

skynet.register_protocol {
	name = "snax",
	id = skynet.PTYPE_SNAX,
	pack = skynet.pack,
	unpack = skynet.unpack,
}

-- What a source sees that is only read for the numbers of its methods.
local function almost_nothing()
	local globals = {}
	local module = skynet.getenv "snax_interface_g"
	if module then
		for key, value in pairs(require(module)) do
			globals[key] = value
		end
	else
		-- So that `local skynet = require "skynet"` at its top does no harm.
		function globals.require() end
	end
	return globals
end

--- The methods of a snax service and their numbers, from its source, which is run once for that with hardly a global.
---@param name string
---@return { name: string, accept: table, response: table, system: table } interface    name -> number in each group
--- Errors: those of snax.interface.
function snax.interface(name)
	local interface = interfaces[name]
	if interface == nil then
		interface = { name = name, accept = {}, response = {}, system = {} }
		for _, method in ipairs(read_interface(name, almost_nothing())) do
			interface[method.group][method.name] = method.id
		end
		interfaces[name] = interface
	end
	return interface
end

-- A table that makes its functions when they are first asked for.
local function methods(ids, what, class, make)
	return setmetatable({}, {
		__index = function(self, name)
			local id = ids[name]
			if id == nil then
				error(string.format("%s %s:%s no exist", what, class, name))
			end
			local f = make(id)
			self[name] = f
			return f
		end,
	})
end

local object_meta = {
	__tostring = function(self)
		return string.format("[%s:%x]", self.type, self.handle)
	end,
}

--- The object of a snax service: fields post, req, type, handle. `obj.post.f(...)` sends and returns nothing, `obj.req.f(...)`
--- yields and returns what the method does.
---@param handle integer
---@param name string
---@return table object
--- Errors: "assertion failed!" when the service is known under another name, those of `interface`. Of the object:
--- "post <name>:<method> no exist", "request <name>:<method> no exist" when a method is indexed.
function snax.bind(handle, name)
	local object = objects[handle]
	if object then
		assert(object.type == name)
		return object
	end
	local interface = snax.interface(name)
	object = setmetatable({
		type = name,
		handle = handle,
		post = methods(interface.accept, "post", name, function(id)
			return function(...)
				skynet.send(handle, "snax", id, ...)
			end
		end),
		req = methods(interface.response, "request", name, function(id)
			return function(...)
				return skynet.call(handle, "snax", id, ...)
			end
		end),
	}, object_meta)
	objects[handle] = object
	return object
end

local function call_system(object, what, ...)
	return skynet.call(object.handle, "snax", snax.interface(object.type).system[what], ...)
end

--- As newservice, without the object. Yields.
---@return integer handle
function snax.rawnewservice(name, ...)
	local interface = snax.interface(name)
	local handle = skynet.newservice("snaxd", name)
	skynet.call(handle, "snax", interface.system.init, ...)
	return handle
end

--- Start a snax service. Yields until its init has returned.
---@param name string    found along config key snax
---@param ... any    for init
---@return table object
--- Errors: "call failed" when it cannot start, or init raises; in this case the service is left.
function snax.newservice(name, ...)
	return snax.bind(snax.rawnewservice(name, ...), name)
end

local function bind_answer(name, handle, err)
	return snax.bind(assert(handle, err), name)
end

--- The one service of that name in this process, started if there is none. Yields.
function snax.uniqueservice(name, ...)
	return bind_answer(name, skynet.call(".service", "lua", "LAUNCH", "snaxd", name, ...))
end

--- The one service of that name in the whole network, started if there is none. Yields.
function snax.globalservice(name, ...)
	return bind_answer(name, skynet.call(".service", "lua", "GLAUNCH", "snaxd", name, ...))
end

--- The unique service of that name. Yields until somebody starts it.
function snax.queryservice(name)
	return bind_answer(name, skynet.call(".service", "lua", "QUERY", "snaxd", name))
end

--- The service of that name in the whole network. Yields until somebody starts it.
function snax.queryglobal(name)
	return bind_answer(name, skynet.call(".service", "lua", "GQUERY", "snaxd", name))
end

--- End a service. Yields until its exit has returned.
---@param object table
---@param ... any    for exit
function snax.kill(object, ...)
	call_system(object, "exit", ...)
end

--- The object of the service that runs.
function snax.self()
	return snax.bind(skynet.self(), SERVICE_NAME)
end

--- End the service that runs. Does not return when exit succeeds.
function snax.exit(...)
	snax.kill(snax.self(), ...)
end

--- Replace methods of a running service; see snax.hotfix. Yields.
---@param object table
---@param source string    Lua source
---@param ... any    for the function `hotfix` in it
---@return any ...    what that returns
--- Errors: those of the patch.
function snax.hotfix(object, source, ...)
	local result = table.pack(call_system(object, "hotfix", source, ...))
	if not result[1] then
		error(result[2])
	end
	return table.unpack(result, 2, result.n)
end

--- How often each method has run, and how long. Yields.
---@return table<string, { count: integer, time: number }> info    time in seconds of CPU
function snax.profile_info(object)
	return call_system(object, "profile")
end

--- Write a formatted line to the log.
function snax.printf(format, ...)
	skynet.error(string.format(format, ...))
end

return snax
