-- The least: one method, neither init nor exit.

function response.ping()
	return "pong"
end
