"""Whom we may write to about their findings, how many a day, and keeping Listmonk's list so.

Decisions here are pure functions of what was read (`changes`, `governor`, `desired`); `reconcile` reads, asks
them and writes. What a finding is belongs to `compliance`; how Listmonk speaks belongs to `resources`.
"""
