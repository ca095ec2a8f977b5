"""A stand-in Listmonk with the real one's protocol and rules, traps included.

Read from Listmonk's source after v6.2.0 (github.com/knadh/listmonk: cmd/*.go, queries/*.sql). What a client could
trip over is kept: 403 for bad credentials, pages silently cut to 50, PUT that wipes, `add` with a status that
overrules an opt-out, imports that re-subscribe. Campaigns send nothing: `/_sandbox/campaign` says how far
one has come. Left out: transactional mail, and every setting but the one that is read.

`/_sandbox/*` is no part of Listmonk: there tests and the demo play the subscriber and read the write counters.
"""

from pw_pipelines.sandbox.listmonk.access import ApiUser
from pw_pipelines.sandbox.listmonk.app import create_app

__all__ = ["ApiUser", "create_app"]
