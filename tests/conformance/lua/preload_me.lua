-- Runs before the main chunk of every service: notes what it was given.
PRELOADED = { name = SERVICE_NAME, words = select("#", ...), path = package.path, require = require }
