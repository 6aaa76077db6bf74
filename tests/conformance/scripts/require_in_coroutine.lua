-- require: modules that block while loading, waiting coroutines, init functions, failures
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local left, me = 3, {}
	for i = 1, 3 do
		skynet.fork(function()
			local m = require "module_slow"
			conf.out("required", i, m.name, m.ready)
			left = left - 1
			if left == 0 then
				skynet.wakeup(me)
			end
		end)
	end
	skynet.wait(me)
	conf.out("again", select("#", require "module_slow"))
	conf.try("fails", require, "module_fails")
	conf.out("false is kept", require "module_false", package.loaded.module_false)
	conf.out("nil counts as true", require "module_nil")
	local ok, err = pcall(require, "conformance_nosuch")
	conf.out("not found", ok, conf.err(err):match "^[^\n]*")
	ok, err = pcall(require, "module_syntax")
	conf.out("syntax", ok, err:match "module_syntax")
	conf.try("cycle", require, "module_cycle")
end)
