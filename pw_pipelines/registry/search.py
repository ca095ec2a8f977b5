"""Looking a name up in a state's register: records of the same key, names like it, and what the data is worth.

Read-only and quick whatever the register's size: every look-up walks a bounded stretch of one index of one
partition. The state is a constant in each statement, so that the other partitions are not even planned for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any, cast

from psycopg import sql
from psycopg.rows import tuple_row
from rapidfuzz import process
from rapidfuzz.distance import OSA

from pw_pipelines.db.connection import Database
from pw_pipelines.jurisdictions.book import jurisdiction
from pw_pipelines.jurisdictions.model import Jurisdiction
from pw_pipelines.registry import coverage as coverages
from pw_pipelines.registry import near as nearest
from pw_pipelines.registry.equivalence import lookup_keys
from pw_pipelines.registry.keys import body, name_keys, plain_words
from pw_pipelines.registry.model import Coverage, EntityForm, NameVerdict, Near, Record
from pw_pipelines.registry.partitions import BY_LENGTH, BY_LENGTH_REVERSED, length_mark
from pw_pipelines.registry.verdict import is_taken_by, judge
from pw_pipelines.snapshots.books import Connection

ENOUGH = 3  # records of one key that are judged first: where one of them has the name, further ones change nothing
MOST_SAME = 500  # else so many, live ones first
MOST_LOOKED_AT = 5_000  # of the own key, and of the other keys, of which those are chosen
MOST_PER_STRETCH = 1_000  # keys of the index, for near names
MOST_KEYS_ALIKE, MOST_OF_A_KEY = 100, 10  # of which the nearest are looked at, and records of each
MOST_ALIKE = 300  # records of such keys, together
MOST_OF_A_SOUND = 200
MOST_KEY_EDITS = 5  # two letters of a name may be more of its key: INTL, INTER
SHORTEST_TYPO_KEY = 4
_LAST = "\x7f"  # after every character of a key

_COLUMNS = (
    "state", "record_id", "entity_id", "name", "name_kind", "form", "type_code", "status", "standing", "formed_on",
    "changed_on", "home", "place", "name_key", "snapshot_id",
)  # fmt: skip

_SAME = f"""
    select {", ".join(f"e.{name}" for name in _COLUMNS)}, p.recalled_at is not null as is_recalled
    from (select * from (
              (select * from registry.entities where state = {{state}} and {BY_LENGTH} collate "C" = %(own)s
               limit %(of_each)s)
              union all
              (select * from registry.entities where state = {{state}} and {BY_LENGTH} collate "C" = any(%(others)s)
               limit %(of_each)s)) looked_at
          order by (standing = 'live') desc, record_id limit %(most)s) e
    left join pw.snapshots p on p.snapshot_id = e.snapshot_id
    order by (e.standing = 'live') desc, e.record_id"""

_NAMESAKES = f"""
    select {", ".join(f"e.{name}" for name in _COLUMNS)}, p.recalled_at is not null as is_recalled
    from (select * from registry.entities where state = {{state}} and {BY_LENGTH} collate "C" = %s
            and standing = 'live' and lower(name) like %s limit {ENOUGH}) e
    left join pw.snapshots p on p.snapshot_id = e.snapshot_id"""

_NAMED = """
    select entity_id, sequence, code, description, filed_on, effective_on, name, name_key, snapshot_id
    from registry.events where state = {state} and name_key = any(%s)
    order by entity_id, sequence limit %s"""

_STRETCH = f"""
    select x.name_key from unnest(%s::text[], %s::text[]) r (low, high) cross join lateral (
        select name_key from registry.entities where state = {{{{state}}}}
          and {{by}} collate "C" >= r.low and {{by}} collate "C" < r.high
        order by {{by}} collate "C" limit {MOST_PER_STRETCH}) x"""

_KEYS_ALIKE = f"""
    select string_agg(name_key, ' ') as keys from ({_STRETCH.format(by=BY_LENGTH)} union all
    {_STRETCH.format(by=BY_LENGTH_REVERSED)}) stretches"""

_LIKE = f"""
    select record_id, name, status, name_key, near_key from (
        select * from registry.entities where state = {{state}} and near_key = %s limit {MOST_OF_A_SOUND}) same_sound
    union all
    select x.record_id, x.name, x.status, x.name_key, x.near_key
    from unnest(%s::text[]) k (key) cross join lateral (
        select * from registry.entities where state = {{state}} and {BY_LENGTH} collate "C" = k.key
        limit {MOST_OF_A_KEY}) x
    limit {MOST_OF_A_SOUND + MOST_ALIKE}"""


# Statements that a connection has met before are planned once, not for every name: planning takes longer than looking.
_PLAN_ONCE = b"set local plan_cache_mode = force_generic_plan"


@cache
def _statement(template: str, state: str) -> str:
    return sql.SQL(cast(Any, template)).format(state=sql.Literal(state)).as_string()


def exact(connection: Connection, state: str, name: str, *, is_first: bool = False) -> tuple[list[Record], bool]:
    """Records with a key of `name`, live ones first, and names of such a key in events; whether there are more.

    is_first: only a few of the name's own key, of its other keys and of events: quicker where hundreds have one name.
    """
    keys = lookup_keys(jurisdiction(state).name_test, name)
    if not keys:
        return [], False
    own, *others = keys
    connection.execute(_PLAN_ONCE)
    of_each, most = (ENOUGH, 2 * ENOUGH) if is_first else (MOST_LOOKED_AT, MOST_SAME)
    rows = connection.execute(
        _query(_SAME, state),
        {"own": _marked(own), "others": list(map(_marked, others)), "of_each": of_each, "most": most + 1},
    ).fetchall()
    of_own = sum(row["name_key"] == own for row in rows)
    are_more = len(rows) > most or max(of_own, len(rows) - of_own) >= of_each
    records = [_record(row) for row in rows[:most]]
    named = connection.execute(_query(_NAMED, state), ([own, *others], most + 1)).fetchall()
    # An entity's event is left aside where its record tells the same name; one that changed its name a little is not.
    if named:
        told = {(record.entity_id, *plain_words(record.name)) for record in records}
        events = [_event(state, row) for row in named[:most]]
        records += [event for event in events if (event.entity_id, *plain_words(event.name)) not in told]
    return records, are_more or len(named) > most


def _namesakes(connection: Connection, state: str, name: str) -> list[Record]:
    """A few live records of the name's own key that also have its words in their order, which may be none.

    Short names share their key with hundreds; of those, these are the ones that most likely decide.
    """
    key, _ = name_keys(name)
    pattern = "%".join([*body(name), ""])
    rows = connection.execute(_query(_NAMESAKES, state), (_marked(key), pattern)).fetchall()
    return [_record(row) for row in rows]


def near(connection: Connection, state: str, name: str) -> list[Near]:
    """Names like `name`, the most like first, at most ten, never one of the same key."""
    key, near_key = name_keys(name)
    if not key:
        return []
    connection.execute(_PLAN_ONCE)
    alike = _keys_alike(connection, state, key)
    with connection.cursor(row_factory=tuple_row) as cursor:  # hundreds of them, so no more than is needed
        cursor.execute(_query(_LIKE, state), (near_key, list(map(_marked, alike))))
        found = [nearest.Candidate(*row) for row in cursor]
    return nearest.ranked(name, [one for one in found if one.name_key is not None and one.name is not None])


def _keys_alike(connection: Connection, state: str, key: str) -> list[str]:
    """The keys that differ least from `key`, which is not among them; the likeliest first."""
    bounds = _stretches(key)
    row = connection.execute(_query(_KEYS_ALIKE, state), bounds).fetchone() if bounds[0] else None
    others = set(str(row["keys"] or "").split()) - {key} if row else set()
    found = process.extract(key, sorted(others), scorer=OSA.distance, score_cutoff=MOST_KEY_EDITS,
                            limit=MOST_KEYS_ALIKE)  # fmt: skip
    return [one for one, _edits, _place in found]


def coverage(connection: Connection, state: str, today: date) -> Coverage:
    """What our data of a state is worth on `today`, with what its sources never hold."""
    return coverages.coverage(connection, state, today, gaps=jurisdiction(state).data_source.gaps)


def judged(connection: Connection, code: str, name: str, *, today: date, form: EntityForm = "llc") -> NameVerdict:
    """The verdict on one name in one state, over a connection that is open."""
    where = jurisdiction(code)
    near_names, worth = near(connection, where.code, name), coverage(connection, where.code, today)
    return by_key(connection, where, name, near_names, worth, form=form)


def by_key(
    connection: Connection,
    where: Jurisdiction,
    name: str,
    near_names: Sequence[Near],
    worth: Coverage,
    *,
    form: EntityForm = "llc",
) -> NameVerdict:
    """The verdict, where names like it and what the data is worth are known: records of the name's key are looked up,
    and no more of them than it takes."""
    records, are_more = exact(connection, where.code, name, is_first=True)
    if not are_more:
        return judge(where, name, records, near_names, worth, form=form)
    if not is_taken_by(where, name, records, worth, form=form):
        few = {record.record_id: record for record in (*_namesakes(connection, where.code, name), *records)}
        records = list(few.values())
    if is_taken_by(where, name, records, worth, form=form):
        verdict = judge(where, name, records, near_names, worth, form=form)
        return replace(
            verdict, reasons=(*verdict.reasons, "There may be more records with this name's key; these were enough.")
        )
    records, are_more = exact(connection, where.code, name)
    if are_more:
        more = f"More than {MOST_SAME} records have this name's key; not all of them were looked at."
        worth = replace(worth, gaps=(*worth.gaps, more), is_usable=False, why_not=worth.why_not or more)
    return judge(where, name, records, near_names, worth, form=form)


def search(db: Database, code: str, name: str, *, today: date, form: EntityForm = "llc") -> NameVerdict:
    """The verdict on one name in one state as of `today`. UsageError for an unknown state or no name."""
    with db.connect(application="pw names") as connection:
        return judged(connection, code, name, today=today, form=form)


def search_many(
    db: Database, codes: Iterable[str], name: str, *, today: date, form: EntityForm = "llc"
) -> list[NameVerdict]:
    """As `search` for several states over one connection, in the order asked."""
    with db.connect(application="pw names") as connection:
        return [judged(connection, code, name, today=today, form=form) for code in codes]


def _query(template: str, state: str) -> bytes:
    return _statement(template, state).encode()


def _marked(key: str) -> str:
    """A key as it stands in the index by length."""
    return length_mark(len(key)) + key


def _stretches(key: str) -> tuple[list[str], list[str], list[str], list[str]]:
    """Bounds of the stretches of both indexes in which a slip of the pen would stand: one half of the key is right."""
    half = len(key) // 2
    if len(key) < SHORTEST_TYPO_KEY:
        return [], [], [], []
    marks = dict.fromkeys(map(length_mark, nearest.length_range(key)))
    lows = [mark + key[:half] for mark in marks]
    lows_reversed = [mark + key[::-1][:half] for mark in marks]
    return lows, [low + _LAST for low in lows], lows_reversed, [low + _LAST for low in lows_reversed]


def _record(row: dict[str, Any]) -> Record:
    values = {name: row[name] for name in _COLUMNS}
    if row["is_recalled"]:  # told by a copy that somebody took back: it may be right
        values["standing"] = "unknown"
        values["status"] = f"{row['status'] or 'status unknown'} (told by a copy that was taken back)"
    return Record(**values)


def _event(state: str, row: dict[str, Any]) -> Record:
    return Record(
        state=state,
        record_id=f"{row['entity_id']}/event/{row['sequence']}",
        entity_id=row["entity_id"],
        name=row["name"],
        name_kind="event",
        form=None,
        type_code=row["code"],
        status=row["description"],
        standing="unknown",
        formed_on=None,
        changed_on=row["effective_on"] or row["filed_on"],
        home=None,
        place=None,
        name_key=row["name_key"],
        snapshot_id=row["snapshot_id"],
    )
