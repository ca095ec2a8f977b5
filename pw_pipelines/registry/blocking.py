"""Whether a record of the same name stands in the way: by its kind, its form and its status, as the state says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from pw_pipelines.jurisdictions.model import Effect, Freed, Jurisdiction
from pw_pipelines.registry.model import EntityForm, Record
from pw_pipelines.registry.wording import standing_in_words, status_in_words

_COMPARABLE = frozenset({"llc", "corporation", "partnership"})  # forms that are told apart for sure
_KIND = {
    "legal": "a registered entity", "assumed": "an assumed name", "fictitious": "a fictitious name",
    "trade": "a trade name", "former": "a former name", "reserved": "a reserved name",
    "event": "a name told in an event",
}  # fmt: skip


class Judged(NamedTuple):
    """What a record does to the name, and the sentence that says why."""

    effect: Effect
    why: str


def effect(where: Jurisdiction, record: Record, form: EntityForm, as_of: date | None) -> Judged:
    """What a record of the same name does, on the day its data is of."""
    rules = where.name_test.blocks
    kind: Effect = rules.kinds.get(record.name_kind, "blocks" if record.name_kind == "legal" else "unknown")
    called = _KIND[record.name_kind]
    if kind == "frees":
        return Judged("frees", f"It is {called}, and those block nothing in {where.name}.")
    other, status = _other_form(where, record, form), _status(where, record, as_of)
    frees = next((one for one in (other, status) if one is not None and one.effect == "frees"), None)
    if frees is not None:
        return frees
    unsure = next((one for one in (other, status) if one is not None and one.effect == "unknown"), None)
    if unsure is not None:
        return unsure
    if kind == "unknown":
        return Judged("unknown", f"It is {called}; whether those block in {where.name} is not confirmed.")
    is_live = record.standing == "live"
    said = f"It is {called}, {standing_in_words(record)}." if is_live else f"It is {called}. {status.why}"
    return Judged("blocks", said)


def _other_form(where: Jurisdiction, record: Record, form: EntityForm) -> Judged | None:
    if where.name_test.compared == "all" or record.form == form or record.name_kind == "reserved":
        return None
    if record.form in _COMPARABLE:
        return Judged(
            "frees", f"It is a {record.form}; {where.name} compares names of one form only, and this is for {_a(form)}."
        )
    said = record.form or "not told"
    return Judged("unknown", f"Its form is {said}; {where.name} compares names of one form only.")


def _a(form: EntityForm) -> str:
    return "an LLC" if form == "llc" else "a corporation"


def _status(where: Jurisdiction, record: Record, as_of: date | None) -> Judged:
    said = status_in_words(record.status)
    if record.standing == "live":
        return Judged("blocks", f"It is {standing_in_words(record)}.")
    if record.standing == "unknown":
        return Judged("unknown", f"Whether it is active is not known ({said}).")
    for freed in where.name_test.blocks.freed:
        judged = _freed(freed, record, as_of)
        if judged is not None:
            return judged
    return Judged(
        "unknown", f"It is not active ({said}); whether such a name still blocks in {where.name} is not confirmed."
    )


def _freed(freed: Freed, record: Record, as_of: date | None) -> Judged | None:
    """What one rule about names that are given up says of the record; None: it does not speak of it."""
    status, said = (record.status or "").lower(), status_in_words(record.status)
    if freed.status and not any(word in status for word in freed.status):
        return None
    if freed.forms and record.form not in freed.forms:
        return None
    if freed.after_days == 0:
        return Judged("frees", f"It is not active ({said}). {freed.words}")
    if record.changed_on is None or as_of is None:
        return Judged("unknown", f"It is not active ({said}), but since when is not known. {freed.words}")
    free_on = record.changed_on + timedelta(days=freed.after_days)
    if free_on <= as_of:
        return Judged("frees", f"It is not active since {record.changed_on}. {freed.words}")
    return Judged("blocks", f"It is not active since {record.changed_on}, free from {free_on}. {freed.words}")
