"""Entities of every state, name keys, and the verdict on a name by each state's own test.

What may come in: keys, rules executed, the register's tables, loading and searching. What may not: Dagster, web,
a browser's page (the portal road hands over records).
"""
