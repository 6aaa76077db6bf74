local nothing = nil
nothing()
