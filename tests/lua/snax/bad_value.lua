response.x = 5
