-- What the debug console looks at; registers .target followed by its first argument. "fail" and "exit" end it at once.

local skynet = require "skynet"
require "skynet.manager"

local name = ... or ""

local answers = {
	number = 12,
	yes = true,
	no = false,
	text = "a text",
	lines = "one\ntwo",
	empty = {},
	nested = { [1] = "first", [2.5] = { 3, x = "y" }, b = true, a = { z = 1, k = 2 } },
}

skynet.info_func(function(what, ...)
	if what == "words" then
		return table.concat({ ... }, ",")
	elseif what == "fail" then
		error "info fails on purpose"
	end
	return answers[what]
end)

skynet.start(function()
	if name == "fail" then
		error "fails on purpose"
	elseif name == "exit" then
		skynet.exit()
		return
	end
	skynet.register(".target" .. name)
	local served = 0
	skynet.dispatch("lua", function(session, _, ...)
		served = served + 1
		if session ~= 0 then
			skynet.retpack(...)
		end
	end)
	skynet.fork(function()
		skynet.wait "for ever"
	end)
end)
