"""What has waited too long: items at a gate and unsettled effects, by the limits of limits.yaml.

What is told names numbers, gates and kinds; nobody's name and nothing of what somebody typed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from psycopg import Connection
from pydantic import Field, field_validator

from pw_pipelines.db.tables.fulfillment import CLOCK_GATES, PERSON_GATES
from pw_pipelines.yaml_data import Strict, read_entry

FILE = "monitoring/limits.yaml"
MOST = 200  # told in one tick; the rest with the next
_GATES = """
select w.item_id, w.generation, w.gate, w.gate_since, w.service, o.number
  from pw.item_work w join pw.orders o using (order_id)
 where w.state = 'waiting'
   and w.gate_since < %(now)s - make_interval(secs => (%(limits)s::jsonb ->> w.gate)::float * 3600)
 order by w.gate_since limit %(most)s
"""
_EFFECTS = """
select e.effect_id, e.state, e.kind, e.attempts, e.intended_at, e.item_id, o.number
  from pw.effects e join pw.order_items i using (item_id) join pw.orders o using (order_id)
 where e.state in ('intended', 'unknown')
   and e.intended_at < %(now)s - make_interval(secs => (%(limits)s::jsonb ->> e.state)::float * 3600)
 order by e.intended_at limit %(most)s
"""


class Limit(Strict):
    """`hours` it may wait, and for whom it does."""

    hours: float = Field(gt=0)
    for_whom: str


class Limits(Strict):
    """Every gate and both open states of an effect."""

    gates: Mapping[str, Limit]
    effects: Mapping[str, Limit]

    @field_validator("gates")
    @classmethod
    def _every_gate(cls, value: Mapping[str, Limit]) -> Mapping[str, Limit]:
        return _exactly(value, {*CLOCK_GATES, *PERSON_GATES})

    @field_validator("effects")
    @classmethod
    def _both_states(cls, value: Mapping[str, Limit]) -> Mapping[str, Limit]:
        return _exactly(value, {"unknown", "intended"})


def _exactly(given: Mapping[str, Limit], wanted: set[str]) -> Mapping[str, Limit]:
    if odd := wanted ^ set(given):
        raise ValueError(f"must name each of {', '.join(sorted(wanted))} once; odd: {', '.join(sorted(odd))}")
    return given


@cache
def limits() -> Limits:
    """The file, checked. Raises ConfigError naming what is wrong in it."""
    text = (Path(__file__).parent / "limits.yaml").read_text(encoding="utf-8")
    return read_entry(text, Limits, file=FILE)


@dataclass(frozen=True)
class Waiting:
    """One thing that waits too long. `key`: the same as long as it waits for the same."""

    key: str
    text: str


def too_old(connection: Connection[Any], now: datetime, desk_url: str) -> list[Waiting]:
    """Everything that has waited longer than it may, oldest first."""
    return [*_gates(connection, now, desk_url), *_effects(connection, now, desk_url)]


def _gates(connection: Connection[Any], now: datetime, desk_url: str) -> list[Waiting]:
    rows = connection.execute(_GATES, {"now": now, "limits": _hours(limits().gates), "most": MOST}).fetchall()
    return [
        Waiting(
            f"gate:{row['item_id']}:{row['generation']}:{row['gate']}",
            f"Order {row['number']}, {row['service']}: has waited {_long(now, row['gate_since'])} at the gate "
            f"{row['gate']} for {limits().gates[row['gate']].for_whom}.\n{desk_url}/items/{row['item_id']}",
        )
        for row in rows
    ]


def _effects(connection: Connection[Any], now: datetime, desk_url: str) -> list[Waiting]:
    rows = connection.execute(_EFFECTS, {"now": now, "limits": _hours(limits().effects), "most": MOST}).fetchall()
    return [
        Waiting(
            f"gate:{row['item_id']}:effect:{row['effect_id']}:{row['attempts']}:{row['state']}",
            f"Order {row['number']}: a {row['kind']} has been {row['state']} for {_long(now, row['intended_at'])}; it "
            f"waits for {limits().effects[row['state']].for_whom}.\n{desk_url}/items/{row['item_id']}",
        )
        for row in rows
    ]


def _hours(given: Mapping[str, Limit]) -> str:
    return json.dumps({name: limit.hours for name, limit in given.items()})


def _long(now: datetime, since: datetime) -> str:
    hours = (now - since).total_seconds() / 3600
    return f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:.0f} days"
