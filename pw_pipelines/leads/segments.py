"""Segments: named sets of leads, as data (`segments.yaml`), checked when read and loaded where SQL can join them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from pw_pipelines.db.connection import Database
from pw_pipelines.errors import UsageError
from pw_pipelines.yaml_data import Strict, read_entries

FILE = Path(__file__).with_name("segments.yaml")

# The ranks of pw.compliance_rules.severity_rank.
SEVERITY_RANKS = {"critical": 1, "high": 2, "medium": 3, "low": 4, "information": 5}

Severity = Literal["critical", "high", "medium", "low", "information"]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]+$")]
CommType = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}$")]
State = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class SegmentSpec(Strict):
    """One segment. A lead belongs if every criterion that is given holds; see the head of `segments.yaml`."""

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
    text = file.read_text(encoding="utf-8")
    return tuple(read_entries(text, SegmentSpec, file=f"leads/{file.name}", key="name", what="segments").values())


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
