-- values of the config as services see them
-- log: no
-- config: v_integer = 12
-- config: v_hex = 0x10
-- config: v_negative = -3
-- config: v_float = 0.5
-- config: v_integral = 8.0
-- config: v_large = 1e100
-- config: v_true = true
-- config: v_false = false
-- config: v_empty = ""
-- config: v_lines = "two\nlines"
-- config: v_expression = v_integer * 2 .. "x"
-- config: v_nil = nil
-- config: v_environment = "$HOME" ~= ""
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	for name in ("integer hex negative float integral large true false empty lines expression nil environment"):gmatch "%a+" do
		local value = skynet.getenv("v_" .. name)
		conf.out(name, type(value), value)
	end
end)
