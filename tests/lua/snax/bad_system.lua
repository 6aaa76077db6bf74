init = 5
