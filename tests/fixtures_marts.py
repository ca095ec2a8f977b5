"""Fixtures of warehouses with rows in them: small hand-made ones, and the whole sandbox world acquired once."""
