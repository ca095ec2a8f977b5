"""Rules, calendar, name matching, the marts and their history, and the check of one carrier. No Dagster, no web."""
