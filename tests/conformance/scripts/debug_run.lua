-- the debug protocol: RUN, with output, arguments, errors and upvalues
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	local state = { count = 5 }
	skynet.start(function()
		skynet.dispatch("lua", function()
			state.count = state.count + 1
			skynet.ret(skynet.pack(state.count))
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local function run(source, name, ...)
		local ok, text = skynet.call(p, "debug", "RUN", source, name, ...)
		conf.out(ok, (conf.err(text)))
	end
	run [[print("hello", 1, true)]]
	run([[print(...)]], nil, "a", 2)
	run([[print("one") print("two")]], "named.lua")
	run [[print(_P.lua.state.count) _P.lua.state.count = 100]]
	conf.out("changed", skynet.call(p, "lua"))
	run [[print(type(_U), type(_P), skynet)]]
	run [[local skynet = require "skynet" print(skynet.address(1))]]
	local ok, text = skynet.call(p, "debug", "RUN", [[print "before" error("fails", 0)]], "bad.lua")
	conf.out(ok, (text:gsub("\n[^\n]*stack traceback.*", "")))
	ok, text = skynet.call(p, "debug", "RUN", [[syntax error here]], "syntax.lua")
	conf.out(ok, text:match "syntax.lua:1:")
end)
