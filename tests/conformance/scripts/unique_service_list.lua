-- service_mgr: LIST, waiting queries, unknown commands
-- log: no
local conf = require "conf"
local skynet = require "skynet"

conf.run(function()
	local a = skynet.uniqueservice("echo_args", "x")
	local me = {}
	skynet.fork(function()
		local q = skynet.queryservice "echo_exit"
		conf.out("query got", type(q))
		skynet.wakeup(me)
	end)
	skynet.yield()
	local list = skynet.call(".service", "lua", "LIST")
	conf.out("listed", list.echo_args == skynet.address(a), type(list.echo_exit))
	conf.out("waiting", list.echo_exit:match "Querying:")
	conf.out("unknown", skynet.call(".service", "lua", "NOSUCH"))
	skynet.uniqueservice "echo_exit"
	skynet.wait(me)
	pcall(skynet.uniqueservice, "conformance_nosuch")
	list = skynet.call(".service", "lua", "LIST")
	conf.out("failed", list.conformance_nosuch:match "^Error: ")
end)
