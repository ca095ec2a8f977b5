"""The readers of public records."""
