return require "module_cycle"
