-- require in the main chunk: the original one, with its second result; init runs before start
-- log: own
local conf = require "conf"
local skynet = require "skynet"

local value, where = require "module_init"
conf.out("main chunk", value.name, where and where:match "[^/]*$")

conf.run(function()
	conf.out("started", value.initialised)
	local again, nothing = require "module_init"
	conf.out("loaded", again == value, nothing)
end)
