-- The parts of an HTTP request target.

local url = {}

local function decode_char(hex)
	return string.char(tonumber(hex, 16))
end

local function decode(text)
	if text:find("[+%%]") then
		text = text:gsub("+", " "):gsub("%%(%x%x)", decode_char)
	end
	return text
end

--- Split a request target.
---@param target string
---@return string path    decoded: "+" is a blank, %XX a byte
---@return string query    as it stands; may be ""
function url.parse(target)
	local mark = target:find("?", 1, true)
	if mark == nil then
		return decode(target), ""
	end
	return decode(target:sub(1, mark - 1)), target:sub(mark + 1)
end

--- Read a query, or the body of a form.
---@param query string    "k=v&k=v"; what has no "=" belongs to the key after it
---@return table<string, string|string[]> values    decoded; an array for a key that is repeated
function url.parse_query(query)
	local values = {}
	local from = 1
	while true do
		local equals = query:find("=", from, true)
		if equals == nil then
			return values
		end
		local last = query:find("&", equals, true) or #query + 1
		local key, value = decode(query:sub(from, equals - 1)), decode(query:sub(equals + 1, last - 1))
		local before = values[key]
		if before == nil then
			values[key] = value
		elseif type(before) == "table" then
			before[#before + 1] = value
		else
			values[key] = { before, value }
		end
		from = last + 1
	end
end

return url
