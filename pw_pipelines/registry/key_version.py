"""Which edition of the keys a name was stored under. Names keyed by another edition are looked for under other keys,
so absence from them proves nothing until they are keyed anew (`registry.rekeying`).
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

from pw_pipelines.registry.words import words

EDITION = 2  # raised with every change of keys.py or stems.py that changes a stored key; words.yaml counts by itself
FACT = "keys"  # in pw.snapshots.facts of a loaded copy


@lru_cache(maxsize=1)
def version() -> str:
    """The edition of the code that makes keys, and a digest of the words it knows."""
    known = {}
    for name in sorted(type(words()).model_fields):  # the file's own fields: what is derived from them comes and goes
        value = getattr(words(), name)
        known[name] = sorted(value.items() if isinstance(value, dict) else value)
    return f"{EDITION}-{hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:12]}"
