-- snax: services as objects, patches, counters. Config key snax: where tests/lua/snax is found.

local skynet = require "skynet"
local snax = require "skynet.snax"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

local ok, equal, contains, raises, case = kit.ok, kit.equal, kit.contains, kit.raises, kit.case

local exited = {}

local function sorted(t)
	local keys = {}
	for key in pairs(t) do
		keys[#keys + 1] = key
	end
	table.sort(keys)
	return keys
end

local function until_exited()
	while not exited[1] do
		skynet.sleep(1)
	end
	return table.remove(exited, 1)
end

case("an interface numbers the methods", function()
	equal(snax.interface "bare", {
		name = "bare",
		accept = {},
		response = { ping = 5 },
		system = { init = 1, exit = 2, hotfix = 3, profile = 4 },
	})
	local member = snax.interface "member"
	equal(member.accept, { add = 5, fail = 6, quit = 7 })
	equal(member.response.count, 8)
	ok(snax.interface "member" == member)
end)

case("a source that is wrong", function()
	raises("accept method only support string", snax.interface, "bad_key")
	raises("response.x must be function", snax.interface, "bad_value")
	raises("accept.x duplicate definition", snax.interface, "bad_twice")
	raises("init must be a function", snax.interface, "bad_system")
	raises("attempt to call a nil value", snax.interface, "bad_run")
	raises("stack traceback", snax.interface, "bad_run")
	raises("syntax error", snax.interface, "bad_syntax")
	raises("no_such.lua", snax.newservice, "no_such")
end)

case("an object", function()
	local member = snax.newservice("member", 1, nil, { 2 }, nil)
	equal(sorted(member), { "handle", "post", "req", "type" })
	equal(member.type, "member")
	equal(tostring(member), string.format("[member:%x]", member.handle))
	equal(table.pack(member.req.began()), table.pack(1, nil, { 2 }, nil))
	equal(table.pack(member.req.echo(nil, 1, nil)), table.pack(nil, 1, nil))
	equal(table.pack(member.post.add(5)), table.pack())
	equal(member.req.count(), 5)
	raises("post member:nothing no exist", function() return member.post.nothing end)
	raises("request member:nothing no exist", function() return member.req.nothing end)
	raises("post member:echo no exist", function() return member.post.echo end)
	raises("request member:add no exist", function() return member.req.add end)
	snax.kill(member)
end)

case("errors of methods", function()
	local member = snax.newservice "member"
	raises("call failed", member.req.fail)
	member.post.fail()
	equal(member.req.count(), 0)
	snax.kill(member)
end)

case("requests overlap", function()
	local member = snax.newservice "member"
	local order = {}
	skynet.fork(function()
		local answer = member.req.sleep(3)
		order[#order + 1] = answer
	end)
	skynet.yield()
	local answer = member.req.echo "first"
	order[#order + 1] = answer
	while not order[2] do
		skynet.sleep(1)
	end
	equal(order, { "first", "slept" })
	snax.kill(member)
end)

case("what a source sees", function()
	local member = snax.newservice "member"
	local name, path, beside, shared, global, accept, init = member.req.environment()
	equal(name, "member")
	contains(path, "/snax/member/")
	equal(beside, "found beside the source")
	equal(shared, "a global of the source")
	equal(global, shared)
	equal(accept, nil)
	equal(init, nil)
	equal(member.req.set(7), 7)
	equal({ member.req.same "member" }, { tostring(member), true, true })
	snax.kill(member)
end)

case("binding", function()
	local handle = snax.rawnewservice("member", "raw")
	local member = snax.bind(handle, "member")
	equal(member.req.began(), "raw")
	ok(snax.bind(handle, "member") == member)
	raises("assertion failed!", snax.bind, handle, "bare")
	snax.kill(member)
end)

case("a source without init and exit", function()
	local bare = snax.newservice "bare"
	equal(bare.req.ping(), "pong")
	snax.kill(bare)
	raises("", bare.req.ping)
end)

case("kill and exit", function()
	local member = snax.newservice "member"
	equal(table.pack(snax.kill(member, "tell", skynet.self(), 1)), table.pack())
	equal(until_exited(), 1)
	raises("", member.req.count)
	member = snax.newservice "member"
	member.post.quit("tell", skynet.self(), 2)
	equal(until_exited(), 2)
	member = snax.newservice "member"
	raises("call failed", snax.kill, member, "fail")
	equal(member.req.count(), 0)
	snax.kill(member)
end)

case("a service that is not initialized", function()
	local system = snax.interface "member".system
	local handle = skynet.newservice("snaxd", "member")
	local member = snax.bind(handle, "member")
	raises("call failed", member.req.count)
	raises("call failed", snax.kill, member)
	equal(skynet.call(handle, "debug", "INFO"), nil)
	raises("call failed", skynet.call, handle, "snax", system.init, "fail")
	equal(table.pack(skynet.call(handle, "snax", system.init, "later")), table.pack())
	equal(member.req.began(), "later")
	raises("call failed", skynet.call, handle, "snax", system.init)
	raises("call failed", skynet.call, handle, "snax", 1000)
	snax.kill(member)
	raises("call failed", snax.newservice, "member", "fail")
end)

case("counters", function()
	local member = snax.newservice "member"
	equal(snax.profile_info(member), {})
	member.req.echo()
	member.req.echo()
	member.post.add()
	pcall(member.req.fail)
	local info = snax.profile_info(member)
	equal(sorted(info), { "add", "echo", "fail" })
	equal({ info.add.count, info.echo.count, info.fail.count }, { 1, 2, 1 })
	ok(info.echo.time > 0 and info.echo.time < 1)
	equal(sorted(skynet.call(member.handle, "debug", "INFO")), sorted(info))
	snax.kill(member)
end)

case("unique services", function()
	local member = snax.uniqueservice("member", "unique")
	ok(snax.uniqueservice("member", "not again") == member)
	ok(snax.queryservice "member" == member)
	equal(member.req.began(), "unique")
	local global = snax.globalservice("member", "global")
	ok(global ~= member)
	ok(snax.queryglobal "member" == global)
	equal(global.req.began(), "global")
	raises("no_such.lua", snax.uniqueservice, "no_such")
	snax.kill(member)
	snax.kill(global)
end)

case("a patch replaces methods and keeps their variables", function()
	local member = snax.newservice "member"
	member.post.add(5)
	equal({ snax.hotfix(member, [[
		local count, unknown
		function response.count()
			count = count + 100
			return "patched", count, unknown
		end
		function hotfix(...)
			return count, select("#", ...), ...
		end
	]], 1, nil) }, { 5, 2, 1, nil })
	equal({ member.req.count() }, { "patched", 105, nil })
	-- The others see the same variable.
	member.post.add(1)
	equal({ member.req.count() }, { "patched", 206, nil })
	snax.kill(member)
end)

case("functions of a patch see the variables, too", function()
	local member = snax.newservice "member"
	snax.hotfix(member, [[
		local add, step
		local function twice(n)
			return add(n), add(n * step)
		end
		function response.count()
			return twice(2)
		end
		function accept.add() end
	]])
	equal({ member.req.count() }, { 2, 4 })
	member.post.add(50)
	equal({ member.req.count() }, { 6, 8 })
	snax.kill(member)
end)

case("a patch sees the globals, and does not change them", function()
	local member = snax.newservice "member"
	snax.hotfix(member, [[
		SHARED = "changed by the patch"
		function response.count()
			return SHARED, type(print)
		end
	]])
	equal({ member.req.count() }, { "a global of the source", "function" })
	snax.kill(member)
end)

case("a patch of exit", function()
	local member = snax.newservice "member"
	equal(table.pack(snax.hotfix(member, [[
		local skynet
		function exit(address) skynet.send(address, "lua", "exited", "by the patch") end
	]])), table.pack())
	snax.kill(member, skynet.self())
	equal(until_exited(), "by the patch")
end)

case("patches that are wrong", function()
	local member = snax.newservice "member"
	raises("Patch mismatch response.nothing", snax.hotfix, member, "function response.nothing() end")
	raises("top level", snax.hotfix, member, "error 'top level'")
	raises("", snax.hotfix, member, "syntax error")
	equal(member.req.count(), 0)
	raises("in hotfix", snax.hotfix, member, "function hotfix() error 'in hotfix' end")
	equal(table.pack(snax.hotfix(member, "")), table.pack())
	snax.kill(member)
end)

case("a patch that does not tell which variable it means", function()
	local twins = snax.newservice "twins"
	raises("ambiguity local value n", snax.hotfix, twins, "local n function response.one() return n end")
	equal({ twins.req.one(), twins.req.one(), twins.req.two() }, { 1, 2, 1 })
	snax.kill(twins)
end)

case("requests of type lua, when the service wants them", function()
	local member = snax.newservice "member"
	member.req.enablecluster()
	local id = snax.interface "member".response.echo
	equal(skynet.call(member.handle, "lua", id, "over lua"), "over lua")
	snax.kill(member)
end)

kit.run(function()
	skynet.dispatch("lua", function(_, _, what, ...)
		assert(what == "exited")
		exited[#exited + 1] = ...
	end)
end)
