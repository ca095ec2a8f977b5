"""Bytes of each public source -> typed rows. Pure: a reader is handed an open binary stream and does no other I/O.

What may come in: layouts, quirks, the contract a copy must fulfil. What may not: HTTP, databases, rules about
who is deficient.
"""
