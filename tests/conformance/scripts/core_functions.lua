-- skynet.core: which functions there are, and their types
-- log: no
local conf = require "conf"
local core = require "skynet.core"

-- what the reference names; a runtime may have more
local wanted = "addresscommand callback command error genid harbor hpc intcommand now pack packstring redirect send "
	.. "tostring trace trash unpack"

conf.run(function()
	for name in wanted:gmatch "%w+" do
		conf.out(name, type(core[name]))
	end
end)
