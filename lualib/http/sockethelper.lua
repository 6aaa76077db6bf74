-- Sockets as functions that throw when the connection is gone: what the HTTP modules read and write through.

local skynet = require "skynet"
local socket = require "skynet.socket"

local read <const> = socket.read
local write <const> = socket.write

local sockethelper = {}

--- What all functions of here throw; compare by identity. Its text tells once what was last raised.
local socket_error = setmetatable({}, {
	__tostring = function(self)
		local text = self.err_info
		self.err_info = nil
		return text or "[Socket Error]"
	end,
})
sockethelper.socket_error = socket_error

local function raise(text)
	socket_error.err_info = "[Socket Error] : " .. text
	error(socket_error)
end

--- A function that reads a socket: f(n) -> n bytes, f() -> what there is. Yields, throws socket_error.
---@param fd integer
---@param pre string?    bytes that were read already and come first
---@return fun(n: integer?): string
function sockethelper.readfunc(fd, pre)
	if pre == "" then
		pre = nil
	end
	return function(n)
		if n == 0 then
			return ""
		end
		local first
		if pre then
			local text = pre
			if n and n < #text then
				pre = text:sub(n + 1)
				return text:sub(1, n)
			end
			pre = nil
			if n == nil or n == #text then
				return text
			end
			first = text
			n = n - #text
		end
		local data = read(fd, n)
		if not data then
			raise("read failed fd = " .. fd)
		end
		return first and first .. data or data
	end
end

--- A function that writes to a socket: f(data). Throws socket_error.
---@param fd integer
---@return fun(data: string)
function sockethelper.writefunc(fd)
	return function(data)
		if not write(fd, data) then
			raise("write failed fd = " .. fd)
		end
	end
end

sockethelper.readall = socket.readall
sockethelper.close = socket.close
sockethelper.shutdown = socket.shutdown

-- Open in a coroutine of its own, so that the caller can give up.
local function open_in_time(host, port, timeout)
	local co = coroutine.running()
	local ok, fd, err
	local done, late = false, false
	skynet.fork(function()
		ok, fd, err = pcall(socket.open, host, port)
		if not ok then
			fd, err = nil, fd
		end
		done = true
		if not late then
			skynet.wakeup(co)
		elseif fd then
			socket.close(fd)
		end
	end)
	skynet.sleep(timeout, co)
	if done then
		return fd, err, false
	end
	late = true
	return nil, nil, true
end

--- Connect. Yields, throws socket_error.
---@param host string
---@param port integer
---@param timeout integer?    1/100 s
---@return integer fd
function sockethelper.connect(host, port, timeout)
	local fd, err, is_time_out
	if timeout then
		fd, err, is_time_out = open_in_time(host, port, timeout)
	else
		fd = socket.open(host, port)
	end
	if fd then
		return fd
	end
	raise(string.format("connect failed host = %s port = %s timeout = %s err = %s is_time_out = %s",
		host, port, timeout, err, is_time_out))
end

return sockethelper
