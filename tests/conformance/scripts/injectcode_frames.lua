-- skynet.injectcode: read and write the locals of a stack frame
-- log: no
local conf = require "conf"
local skynet = require "skynet"
local injectcode = require "skynet.injectcode"

local up = "upvalue"

conf.run(function()
	local function frame(...)
		local a, b = 1, "two"
		conf.out("read", injectcode("return a, b, up, ...", nil, 0, {}))
		conf.out("write", injectcode("a = a + 10; up = 'changed'", nil, 0, {}))
		conf.out("now", a, b, up)
		conf.out("env", injectcode("return extra", nil, 0, { extra = "from env" }))
		return (select("#", ...))
	end
	frame("v1", "v2")
	local co = coroutine.create(function(x)
		local y = x * 2
		coroutine.yield()
		return y
	end)
	coroutine.resume(co, 4)
	conf.out("coroutine", injectcode("return x, y", co, 1, {}))
	conf.out("write there", injectcode("y = 'new'", co, 1, {}))
	conf.out("result", coroutine.resume(co))
	local ok, err = injectcode("error('inside', 0)", nil, 0, {})
	conf.out("error", ok, conf.err(err))
	conf.out(skynet.self() ~= 0)
end)
