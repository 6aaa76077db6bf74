function accept.x() end
function accept.x() end
