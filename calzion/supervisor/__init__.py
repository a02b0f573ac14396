"""Runs the parts of Calzion as child processes, and starts again what died."""
