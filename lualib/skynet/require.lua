-- The `require` of services, which replaces the global one, and `skynet.init`. Both are native; what happens when a
-- coroutine requires a module is in skynet.requireco.

local skynet = require "skynet"

return {
	require = require,
	init = skynet.init,
}
