-- Where snax does better than the original, on purpose. Config keys as for test_snax.

local snax = require "skynet.snax"
local kit = dofile(SERVICE_PATH .. "test_kit.lua")

local equal, raises, case = kit.equal, kit.raises, kit.case

case("variables of one name matter only to a patch that names them", function()
	local twins = snax.newservice "twins"
	snax.hotfix(twins, "local other function response.one() return other end")
	equal({ twins.req.one(), twins.req.two() }, { "other", 1 })
	snax.kill(twins)
end)

case("a patch that cannot be compiled says why", function()
	local twins = snax.newservice "twins"
	raises("patch:2: syntax error near 'error'", snax.hotfix, twins, "\nsyntax error")
	snax.kill(twins)
end)

case("a patch with an error replaces nothing", function()
	local twins = snax.newservice "twins"
	raises("Patch mismatch accept.none", snax.hotfix, twins, [[
		function response.other() return "changed" end
		function accept.none() end
	]])
	equal(twins.req.other(), "other")
	snax.kill(twins)
end)

kit.run()
