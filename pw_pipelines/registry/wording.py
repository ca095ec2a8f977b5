"""Codes of an answer in the words that people read: how a name is like another, and what its record's status says."""

from __future__ import annotations

from pw_pipelines.registry.model import Record

_HOW = {"typo": "spelt nearly alike", "sound": "sounds alike", "word order": "same words in another order"}
_STANDING = {"live": "active", "not_live": "not active", "unknown": "of unknown status"}
_STATUS = {"A": "active", "I": "inactive"}  # Florida's files say it by a letter
_CODE_LENGTH = 3  # what is no longer is a source's code, not a word


def how_alike(how: str) -> str:
    """`Near.how` in words; what is words already stays as it is."""
    return _HOW.get(how, how)


def status_in_words(status: str | None) -> str:
    """A record's status as people say it; a code nobody here can read is called one. None: nothing is told."""
    if not status:
        return "status not told"
    if status in _STATUS:
        return _STATUS[status]
    return f"status code {status}" if len(status) <= _CODE_LENGTH else status


def standing_in_words(record: Record) -> str:
    """What a record's status comes to, with the source's own word where that says more than ours."""
    ours, status = _STANDING[record.standing], record.status
    if not status or len(status) <= _CODE_LENGTH or status.lower() == ours:
        return ours
    return f"{ours} ({status})"
