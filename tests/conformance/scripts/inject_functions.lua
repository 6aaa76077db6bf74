-- skynet.inject: run source against functions of the service
-- log: no
local conf = require "conf"
local skynet = require "skynet"
local inject = require "skynet.inject"

local state = { value = 1 }
local deep = { value = "deep" }
local function helper()
	return deep.value
end
local function target()
	return state.value, helper()
end

conf.run(function()
	local function try(source, name, args)
		local ok, output = inject(skynet, source, name, args or {}, target)
		for i, line in ipairs(output) do
			output[i] = line:match "^(.-)\nstack traceback:" or line
			output[i] = conf.err(output[i])
		end
		conf.out(ok, output)
	end
	try [[print(_U.state.value, _U.deep.value)]]
	try [[_U.state.value = 42]]
	conf.out(target())
	try([[print(...)]], "name.lua", { "x", 2 })
	try [[print(1, 2) print("second")]]
	try([[error("bad", 0)]], "bad.lua")
	try [[print(type(_P))]]
	try [[undefined_global = 5 print(undefined_global)]]
	conf.out("leaks", rawget(_G, "undefined_global"))
end)
