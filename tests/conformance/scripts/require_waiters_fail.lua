-- require: those who waited for a module that fails are told so
-- log: own
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	for i = 1, 3 do
		skynet.fork(function()
			conf.try("require " .. i, require, "module_slow_fails")
		end)
	end
	skynet.sleep(10)
end)
