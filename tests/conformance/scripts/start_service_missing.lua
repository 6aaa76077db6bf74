-- the start service fails: bootstrap ends all the same, the node goes on
-- exit: timeout
-- limit: 3
-- log: own
error("the start service fails", 0)
