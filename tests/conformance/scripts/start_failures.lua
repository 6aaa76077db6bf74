-- newservice: what a failing service does to its creator
-- log: own
local conf = require "conf"
local skynet = require "skynet"

local role = ...
if role == "chunk" then
	error "main chunk fails"
elseif role == "start" then
	skynet.start(function()
		error "start fails"
	end)
	return
elseif role == "late" then
	skynet.start(function()
		skynet.sleep(1)
		error({})
	end)
	return
elseif role == "exit" then
	skynet.start(function()
		skynet.exit()
	end)
	return
elseif role == "init" then
	skynet.init(function()
		error "init fails"
	end)
	skynet.start(function() end)
	return
end

conf.run(function()
	for _, name in ipairs { "chunk", "start", "late", "init" } do
		conf.try(name, conf.peer, name)
	end
	conf.try("exit", function()
		return select("#", conf.bare_peer "exit"), conf.bare_peer "exit"
	end)
	conf.try("no script", skynet.newservice, "conformance nosuch")
	-- bootstrap and all of the above
	conf.logged("] KILL self", 8)
end)
