"""Calzion as units of systemd: what they say, where they are, and the commands that act on them."""
