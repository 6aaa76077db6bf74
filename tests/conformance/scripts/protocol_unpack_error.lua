-- an error while unpacking a request leaves the caller without answer; in an answer it raises there
-- log: own
-- differs: the caller of a request that cannot be unpacked gets an error at once; on skynet it hangs until the callee exits
local conf = require "conf"
local skynet = require "skynet"
local core = require "skynet.core"

if ... == "peer" then
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, cmd)
			if cmd == "broken" then
				skynet.ret "\7"
			elseif cmd == "exit" then
				skynet.exit()
			else
				skynet.ret(skynet.pack "fine")
			end
		end)
	end)
	return
end

conf.run(function()
	local p = conf.peer "peer"
	local done = false
	skynet.fork(function()
		local ok, err = pcall(skynet.rawcall, p, "lua", "\7")
		conf.out("bad request", ok, conf.err(err))
		done = true
	end)
	conf.out("later", skynet.call(p, "lua", "x"))
	conf.out("done", done)
	local ok, err = pcall(skynet.call, p, "lua", "broken")
	conf.out("bad answer", ok, (conf.err(err):gsub("line:%d+", "line")))
	pcall(skynet.call, p, "lua", "exit")
	conf.await(function()
		return done
	end)
	conf.out(core.unpack(core.packstring "end"))
end)
