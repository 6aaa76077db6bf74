-- coroutine.yield out of turn: reported, the request is not answered
-- log: own
-- differs: the caller of a handler that yields nonsense gets an error at once; on skynet it hangs until the callee exits
local conf = require "conf"
local skynet = require "skynet"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "yield" then
				coroutine.yield "nonsense"
			elseif cmd == "user" then
				require "skynet.coroutine".yield "user"
			elseif cmd == "exit" then
				skynet.exit()
			end
			skynet.ret(skynet.pack(cmd))
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local done = {}
	for _, cmd in ipairs { "yield", "user" } do
		skynet.fork(function()
			done[cmd] = conf.err(select(2, pcall(skynet.call, p, "lua", cmd)))
		end)
	end
	skynet.yield()
	conf.out("alive", skynet.call(p, "lua", "alive"))
	conf.out(done)
	pcall(skynet.call, p, "lua", "exit")
	conf.await(function()
		return done.yield and done.user
	end)
	conf.out(done)
end)
