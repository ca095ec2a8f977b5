"""The `pw` commands, one file per word. Each parses, calls a domain room, and prints; no rule lives here."""
