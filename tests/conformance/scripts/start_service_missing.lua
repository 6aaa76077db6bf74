-- the start service fails: bootstrap ends all the same, the node goes on
-- exit: timeout
-- limit: 3
-- log: own
-- differs: a node whose start service fails ends with exit code 1; skynet goes on without it
error("the start service fails", 0)
