-- A loader of the config: the source of "virtual" comes from nowhere, others from their files.

return function(patterns, name, globals)
	if name == "virtual" then
		return load("local skynet = require 'skynet' function response.self() return skynet.self() end", "=virtual", "t", globals)
	end
	local pattern = patterns:match "[^;]+"
	return assert(loadfile((pattern:gsub("%?", name)), "bt", globals)), pattern
end
