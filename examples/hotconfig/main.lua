-- Two clients wait for changes of a configuration file, which is edited meanwhile.

local skynet = require "skynet"
require "skynet.manager"

local path = os.tmpname()

local function write(text)
	-- A file of its own, moved into place: a reader never sees half of it.
	local new = path .. ".new"
	local f = assert(io.open(new, "w"))
	f:write(text)
	f:close()
	assert(os.rename(new, path))
end

local function client(config, name)
	local version, values = skynet.call(config, "lua", "wait", 0)
	while true do
		skynet.error(name, "has version", version, "greeting =", values.greeting)
		version, values = skynet.call(config, "lua", "wait", version)
	end
end

skynet.start(function()
	write 'greeting = "hello"'
	local config = skynet.newservice("hotconfig", path, 10)
	skynet.fork(client, config, "first")
	skynet.fork(client, config, "second")
	skynet.sleep(50)
	write 'greeting = "good morning"'
	skynet.sleep(50)
	write 'greeting = = "a mistake"'
	skynet.sleep(50)
	skynet.error("get:", skynet.call(config, "lua", "get", "greeting"))
	os.remove(path)
	skynet.sleep(10)	-- what the logger has not written when the node ends is lost
	skynet.abort()
end)
