"""The images that containers are made of: their recipes, which version this installation needs, and building them."""
