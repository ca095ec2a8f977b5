"""The register's own words: a record, what covers a state, and the verdict on a name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from pw_pipelines.sources.register import Form, NameKind, Standing

ENTITY_COLUMNS = (
    "state", "record_id", "entity_id", "name", "name_kind", "form", "type_code", "status", "standing",
    "formed_on", "changed_on", "home", "place", "name_key", "near_key", "snapshot_id",
)  # fmt: skip

Answer = Literal["taken", "clear", "a person must look"]

EntityForm = Literal["llc", "corporation"]
"""What a customer may have us form."""


@dataclass(frozen=True)
class Record:
    """One name in a state's register: a row of `registry.entities`. Dates are the state's own calendar days."""

    state: str
    record_id: str
    entity_id: str
    name: str
    name_kind: NameKind
    form: Form | None
    type_code: str | None
    status: str | None
    standing: Standing
    formed_on: date | None
    changed_on: date | None
    home: str | None
    place: str | None
    name_key: str
    snapshot_id: str


@dataclass(frozen=True)
class Coverage:
    """What our data of one state is worth today.

    rows        names that can be searched
    as_of       the day up to which the data is known to be whole; None: there is no whole copy
    gaps        sentences: what is missing by the source's nature, and what is missing of it here
    is_usable   whether absence from it may be called `clear`: a whole copy, not too old, no file missing
    asked       what the state's own portal was asked and said, as a sentence; None: the data is ours. `rows` are
                then the names it showed, and none is an answer
    """

    state: str
    rows: int
    as_of: date | None
    gaps: tuple[str, ...]
    is_usable: bool
    why_not: str | None = None
    asked: str | None = None


@dataclass(frozen=True)
class Blocking:
    """A record that stands in the way, or may.

    key        its comparison key under the state's rule
    loose_key  its key without what the state may ignore too; None: the same as `key`
    """

    id: str
    name: str
    status: str | None
    key: str
    why: str
    kind: str = "legal"
    loose_key: str | None = None


@dataclass(frozen=True)
class Near:
    """A name like the one asked for. how: `typo`, `sound`, `word order`, `same but for …`; score 0 to 100."""

    id: str
    name: str
    status: str | None
    how: str
    score: float


@dataclass(frozen=True)
class NameVerdict:
    """The answer about one name in one state; field names are the command's JSON keys (a contract).

    rule: the state's test in a sentence; keys: `asked` and, where they differ, `asked_loose`.
    reasons: why this verdict, in sentences. look: where a person may look (official search page).
    """

    state: str
    name: str
    verdict: Answer
    rule: str
    statute: str
    keys: dict[str, str]
    blocking: tuple[Blocking, ...]
    near: tuple[Near, ...]
    restricted: tuple[dict[str, str], ...]
    data: dict[str, object]
    reasons: tuple[str, ...] = ()
    look: str | None = None
    unconfirmed: tuple[str, ...] = field(default=())
