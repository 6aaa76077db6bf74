-- A web server: the first service accepts connections, agents of the same script answer them.

local skynet = require "skynet"
local socket = require "skynet.socket"
local httpd = require "http.httpd"
local sockethelper = require "http.sockethelper"
local url = require "http.url"

local BODY_MAX <const> = 64 * 1024	-- bytes of a request's body; more is refused with status 413
local PATIENCE <const> = 10 * 100	-- 1/100 s for a request to arrive
local TEXT <const> = { ["content-type"] = "text/plain; charset=utf-8", connection = "close" }

local page = {}

page["/"] = function(_, query)
	local name = url.parse_query(query).name
	return 200, "hello, " .. (type(name) == "string" and name or "world") .. "\n"
end

page["/echo"] = function(method, _, body)
	if method ~= "POST" then
		return 405, "POST something\n"
	end
	return 200, body
end

-- A function as body is sent in chunks, as it gives them.
page["/count"] = function()
	local n = 0
	return 200, function()
		n = n + 1
		if n <= 3 then
			return n .. "\n"
		end
	end
end

local function answer(fd)
	local finished = false
	skynet.timeout(PATIENCE, function()
		if not finished then
			socket.shutdown(fd)
		end
	end)
	local status, target, method, _, body = httpd.read_request(sockethelper.readfunc(fd), BODY_MAX)
	finished = true
	if status == nil then
		-- The connection was lost, or this is no HTTP.
		return
	end
	local text
	if status == 200 then
		local path, query = url.parse(target)
		if page[path] then
			status, text = page[path](method, query, body)
		else
			status, text = 404, path .. " is not here\n"
		end
	end
	httpd.write_response(sockethelper.writefunc(fd), status, text, TEXT)
end

local function agent()
	skynet.dispatch("lua", function(_, _, fd)
		if socket.start(fd) then
			local ok, err = pcall(answer, fd)
			if not ok then
				skynet.error("answer failed:", err)
			end
			socket.close(fd)
		end
	end)
end

local function main()
	local agents = {}
	for i = 1, tonumber(skynet.getenv "agents") do
		agents[i] = skynet.newservice(SERVICE_NAME, "agent")
	end
	local listener, ip, port = socket.listen(skynet.getenv "host", tonumber(skynet.getenv "port"))
	local turn = 0
	socket.start(listener, function(fd)
		turn = turn % #agents + 1
		skynet.send(agents[turn], "lua", fd)
	end)
	skynet.error(string.format("http://%s:%d is open", ip, port))
end

skynet.start(... == "agent" and agent or main)
