-- uniqueservice and queryservice: one per node, arguments of the first launch count
-- log: own
local conf = require "conf"
local skynet = require "skynet"

if ... == "query" then
	conf.serve {
		query = function(name)
			return skynet.queryservice(name)
		end,
	}
	return
end

conf.run(function()
	local a = skynet.uniqueservice("echo_args", "first", "launch")
	local b = skynet.uniqueservice("echo_args", "second")
	conf.out("same", a == b, skynet.call(a, "lua", "args"))
	conf.out("query", skynet.queryservice "echo_args" == a)
	local q = conf.peer "query"
	conf.out("from elsewhere", skynet.call(q, "lua", "query", "echo_args") == a)
	local g = skynet.uniqueservice(true, "echo_args", "global")
	conf.out("global", g ~= a, skynet.call(g, "lua", "args"), skynet.queryservice(true, "echo_args") == g)
	conf.try("no such", function()
		local ok, err = pcall(skynet.uniqueservice, "conformance_nosuch")
		return ok, (conf.err(err):match "call failed")
	end)
	conf.try("remembered", function()
		return (pcall(skynet.uniqueservice, "conformance_nosuch"))
	end)
	conf.watch(a)
	conf.logged("] KILL self", 2)
	conf.out(".service", skynet.localname ".service" ~= nil)
end)
