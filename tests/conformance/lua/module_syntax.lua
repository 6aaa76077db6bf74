-- Not Lua, on purpose.
local = =
