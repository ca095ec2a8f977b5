"""Backups: sets that are made, sealed, copied off-site, proved and expired; the journal between them; drills."""
