-- Two methods that have a variable of the same name each.

local function counter()
	local n = 0
	return function()
		n = n + 1
		return n
	end
end

response.one, response.two = counter(), counter()
local other = "other"

function response.other()
	return other
end
