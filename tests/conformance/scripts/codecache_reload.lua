-- skynet.codecache: a changed file is seen after clear, or with the mode OFF
-- log: no
local conf = require "conf"
local cache = require "skynet.codecache"

conf.run(function()
	local name = os.tmpname()
	local function write(text)
		local f = assert(io.open(name, "w"))
		f:write(text)
		f:close()
	end
	write "return 'first'"
	conf.out("read", loadfile(name)())
	write "return 'second'"
	conf.out("cached", loadfile(name)())
	cache.mode "OFF"
	conf.out("off", loadfile(name)())
	cache.mode "ON"
	conf.out("on again", loadfile(name)())
	cache.clear()
	conf.out("cleared", loadfile(name)())
	write "return x"
	cache.clear()
	conf.out("env", loadfile(name, "t", { x = "from env" })())
	conf.out("own globals", loadfile(name)())
	os.remove(name)
	cache.clear()
	conf.out("gone", loadfile(name) == nil)
	write "syntax error ="
	conf.out("errors are not kept", loadfile(name) == nil)
	write "return 'mended'"
	conf.out("mended", loadfile(name)())
	os.remove(name)
end)
