"""A stand-in ERPNext with the real one's protocol and rules, traps included.

Read from Frappe's and ERPNext's published code and documentation. What a client could trip over is kept: lists of 20
rows with the name alone, errors in JSON inside JSON, names from a series (two POSTs, two documents), drafts that must
be submitted, child tables that are replaced, a second value in a unique field refused as UniqueValidationError (417),
makers that return unsaved documents, posting dates reset to today, outstanding amounts, a webhook per submit that may
come twice. Left out: ledgers of accounts, taxes beyond one rate, stock, amendments.

`/_sandbox/*` is no part of ERPNext: there tests and people look at counters and change how it is set up.
"""

from pw_pipelines.sandbox.erpnext.app import create_app

__all__ = ["create_app"]
