"""Sudden jumps: rules that one rebuild would newly find against more carriers than `jumps.yaml` lets through.

dbt's model `int_jumps` decides and holds; here are the limits it gets, what it held, and who let it through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from typing import cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pw_pipelines.compliance.rules import rules
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError

FILE = "jumps.yaml"


class Limit(BaseModel):
    """See the head of jumps.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    most: int = Field(ge=0)
    source: str
    sightings: int = Field(ge=1)


@dataclass(frozen=True)
class Jump:
    """One rule whose new findings the marts in force hold. newly: carriers; most: the limit; as_of: the marts' day."""

    code: str
    newly: int
    most: int
    as_of: date

    @property
    def sentence(self) -> str:
        """What is held, and how it is let through."""
        return (
            f"{self.code}: {self.newly:,} carriers would be newly accused at once as of {self.as_of}, at most "
            f"{self.most:,} are by themselves. All {self.newly:,} are held. If the record is right: "
            f"pw findings release {self.code} --by NAME --reason …"
        )


@lru_cache(maxsize=1)
def limits() -> dict[str, Limit]:
    """Every rule that has a limit. Raises ConfigError naming what is wrong in the file."""
    text = (resources.files("pw_pipelines.compliance") / FILE).read_text(encoding="utf-8")
    try:
        found = TypeAdapter(dict[str, Limit]).validate_python(yaml.safe_load(text))
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigError(f"compliance/{FILE} is not valid: {error}") from error
    if unknown := sorted(set(found) - set(rules())):
        raise ConfigError(f"compliance/{FILE} names rules that compliance/rules.yaml does not: {', '.join(unknown)}.")
    return found


def for_build(released: Mapping[str, int]) -> list[dict[str, object]]:
    """The limits as the model reads them; those of `released` (code -> carriers a person let through) raised."""
    return [
        {"code": code, "most": max(limit.most, released.get(code, 0)), "source": limit.source,
         "sightings": limit.sightings}
        for code, limit in limits().items()
    ]  # fmt: skip


def held(db: Database) -> list[Jump]:
    """What the marts in force hold for a person; nothing where they were never built."""
    with db.connect(application="pw-marts") as connection:
        there = connection.execute("select to_regclass('staging.int_jumps') is not null as there").fetchone()
        if there is None or not there["there"]:
            return []
        rows = connection.execute(
            """select j.code, j.newly, j.most, d.as_of from staging.int_jumps j cross join staging.stg_as_of d
               where j.is_held order by j.code"""
        ).fetchall()
    return [
        Jump(str(row["code"]), int(str(row["newly"])), int(str(row["most"])), cast("date", row["as_of"]))
        for row in rows
    ]


def note_release(db: Database, jump: Jump, *, at_most: int, by: str, reason: str, now: datetime) -> None:
    """Writes into ops' book who lets a jump through, and why; they are told like of any alert."""
    text = f"{by} lets up to {at_most:,} new findings of {jump.code} through (as of {jump.as_of}): {reason}"
    with db.connect(application="pw-marts") as connection:
        connection.execute(
            "insert into pw.alerts (key, kind, text, raised_at) values (%s, 'check', %s, %s) on conflict do nothing",
            (f"release:{jump.code}:{now.isoformat()}", text, now),
        )
