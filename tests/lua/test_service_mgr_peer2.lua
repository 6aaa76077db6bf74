-- The service of test_service_mgr_peer under another name.

return assert(loadfile(SERVICE_PATH .. "test_service_mgr_peer.lua"))(...)
