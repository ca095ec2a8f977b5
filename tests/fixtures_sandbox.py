"""Fixtures of the invented world: the stand-ins as a real server on loopback."""
