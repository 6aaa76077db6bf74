error("module_fails does", 0)
