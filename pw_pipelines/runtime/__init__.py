"""The house: starts, watches and stops everything; checks and fills it.

Knows processes, ports and files; no rule of the trade.
"""
