-- Mutated replies for skynet.db.redis, whose channel is a text: each gives a value or an error.

local text, at_end
at_end = setmetatable({}, { __tostring = function() return "end of input" end })

local sock = {}

function sock:read(n)
	assert(n >= 2, "a size below 0")
	local part = text:sub(self.pos, self.pos + n - 1)
	if #part < n then
		error(at_end)
	end
	self.pos = self.pos + n
	return part
end

function sock:readline(sep)
	local stop = text:find(sep, self.pos, true)
	if not stop then
		error(at_end)
	end
	local line = text:sub(self.pos, stop - 1)
	self.pos = stop + #sep
	return line
end

-- In the place of the channel: each request is answered by the text.
local channel = {}

function channel.connect() end

function channel.request(_, _, response)
	local ok, data = response(setmetatable({ pos = 1 }, { __index = sock }))
	if ok then
		return data
	end
	error(data, 0)
end

channel.response = function(self, response)
	return channel.request(self, nil, response)
end

package.loaded["skynet.socketchannel"] = {
	error = at_end,
	channel = function() return setmetatable({}, { __index = channel }) end,
}

local redis = require "skynet.db.redis"
local fuzz = dofile(SERVICE_PATH .. "fuzz_kit.lua")

local seeds = {
	"+OK\r\n",
	"-ERR wrong\r\n",
	":1234\r\n",
	"$5\r\nhello\r\n",
	"$-1\r\n",
	"*-1\r\n",
	"*3\r\n$1\r\na\r\n:2\r\n*2\r\n+x\r\n$-1\r\n",
	"*2\r\n-ERR inner\r\n*0\r\n",
	"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n",
	("*1\r\n"):rep(60) .. ":1\r\n",
}
local words = { "\r\n", "\r", "\n", "$", "*", "-", "+", ":", "$-1\r\n", "*1\r\n", "*2147483647\r\n", "$536870912\r\n", "\0", "0x10", "1e3", "nan", " " }
local db, watch

local function check(ok, value)
	if ok or value == at_end or type(value) == "table" then
		return
	end
	assert(type(value) == "string", "an error of type " .. type(value))
	assert(not value:find "attempt to" and not value:find "bad argument" and not value:find "overflow", value)
end

fuzz.run(function()
	text = fuzz.mutate(seeds, words)
	fuzz.input = text
	check(pcall(db.get, db, "x"))
	check(pcall(db.exists, db, "x"))
	check(pcall(db.pipeline, db, { { "GET", "x" }, { "GET", "y" } }, {}))
	-- message() goes on until there is a message: of a text that has none it would never return.
	if text:find "message" then
		watch.turns = 0
		check(pcall(watch.message, watch))
	end
end, function()
	db = redis.connect { host = "here" }
	watch = redis.watch { host = "here" }
	local response = channel.response
	channel.response = function(...)
		watch.turns = watch.turns + 1
		if watch.turns > 2 then
			error(at_end)
		end
		return response(...)
	end
end)
