return require "skynet.socket"
