local skynet = require "skynet"

skynet.sleep(1)
error("module_slow_fails does", 0)
