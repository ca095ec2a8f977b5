"""Segments: named sets of leads, as data (`segments.yaml`), checked when read and loaded where SQL can join them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError, UsageError

FILE = Path(__file__).with_name("segments.yaml")

# The ranks of pw.compliance_rules.severity_rank.
SEVERITY_RANKS = {"critical": 1, "high": 2, "medium": 3, "low": 4, "information": 5}

Severity = Literal["critical", "high", "medium", "low", "information"]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]+$")]
CommType = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}$")]
State = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class SegmentSpec(BaseModel):
    """One segment. A lead belongs if every criterion that is given holds; see the head of `segments.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    title: Annotated[str, StringConstraints(min_length=3, max_length=80)]
    description: Annotated[str, StringConstraints(min_length=10)]
    codes_any: tuple[Code, ...] = ()
    codes_all: tuple[Code, ...] = ()
    min_codes: Annotated[int, Field(ge=1)] | None = None
    severities: tuple[Severity, ...] = ()
    min_severity: Severity | None = None
    certainty: Literal["any", "sure"] = "any"
    comm_types: tuple[CommType, ...] = ()
    states: tuple[State, ...] = ()
    has_bdc: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> SegmentSpec:
        criteria = self.model_dump(exclude={"name", "title", "description"})
        if all(value in ((), None, "any") for value in criteria.values()):
            raise ValueError("a segment without a criterion would hold every lead; give at least one")
        return self


def read_segments(file: Path = FILE) -> tuple[SegmentSpec, ...]:
    """The segments in the file's order. ConfigError names the file, the segment and the fault."""
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{file.name} is not YAML: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{file.name} must be a list of segments.")
    found: dict[str, SegmentSpec] = {}
    for entry in entries:
        label = entry.get("name", "?") if isinstance(entry, dict) else entry
        try:
            spec = SegmentSpec.model_validate(entry)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise ConfigError(f"{file.name}, segment {label!r}: {faults}.") from error
        if spec.name in found:
            raise ConfigError(f"{file.name}: the segment {spec.name!r} stands there twice; rename one.")
        found[spec.name] = spec
    return tuple(found.values())


def load_segments(db: Database, file: Path = FILE) -> int:
    """Makes pw.segments say exactly what the file says; returns how many. One transaction."""
    specs = read_segments(file)
    rows = [
        {
            "segment": spec.name,
            "position": position,
            "title": spec.title,
            "description": spec.description,
            "codes_any": list(spec.codes_any),
            "codes_all": list(spec.codes_all),
            "min_codes": spec.min_codes,
            "severities": list(spec.severities),
            "min_severity_rank": SEVERITY_RANKS[spec.min_severity] if spec.min_severity else None,
            "comm_types": list(spec.comm_types),
            "states": list(spec.states),
            "requires_bdc": spec.has_bdc,
            "sure_only": spec.certainty == "sure",
        }
        for position, spec in enumerate(specs, start=1)
    ]
    columns = list(rows[0])
    statement = (
        f"insert into pw.segments ({', '.join(columns)}) values ({', '.join(f'%({name})s' for name in columns)}) "
        f"on conflict (segment) do update set {', '.join(f'{name} = excluded.{name}' for name in columns[1:])}"
    )
    with db.connect(application="pw-segments") as connection:
        connection.execute("delete from pw.segments where segment <> all(%s)", ([spec.name for spec in specs],))
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)
    return len(rows)


def segment_named(name: str) -> SegmentSpec:
    """The segment `name`; UsageError lists the names there are."""
    specs = {spec.name: spec for spec in read_segments()}
    if name not in specs:
        raise UsageError(f"There is no segment {name!r}. Segments: {', '.join(specs)}.")
    return specs[name]
