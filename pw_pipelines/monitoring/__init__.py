"""Watching the house: metrics, health, what waits too long, and events for the analytics server."""
