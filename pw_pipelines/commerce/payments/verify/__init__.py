"""One file per sender: raw bytes, headers, secrets and the moment -> verified events. Raises Forged. Pure.

Whatever is signed as it should be is an event, even when nobody can read it: a sender that is refused sends again.
"""
