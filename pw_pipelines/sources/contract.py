"""What a source promises, as data: `contracts/<source>.yaml`, checked when it loads.

A contract names the publisher and the page a person may open, the fingerprint of a good copy, bounds on
rows and bytes with the reason for each, how much one copy may differ from the last, which columns must be
filled, and how often absence must be seen before it counts.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from importlib import resources

from pydantic import Field

from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.yaml_data import Strict, read_entry


class Bounds(Strict):
    """Smallest and largest healthy count. `seen` and `why` must change in the same commit as a bound."""

    min: int = Field(ge=0)
    max: int = Field(gt=0)
    healthy: int = Field(ge=0)
    seen: date
    why: str


class Change(Strict):
    """How far the row count may move against the last complete snapshot, in percent."""

    shrink_pct: float = Field(gt=0, le=100)
    growth_pct: float = Field(gt=0)


class LeastFound(Strict):
    """How many of a batch of look-ups must have found something before the empty ones count."""

    look_ups: int = Field(ge=1)
    pct: float = Field(gt=0, le=100)


class Absence(Strict):
    """When "not listed" counts as a fact: in how many snapshots of different days it must be seen.

    `distinct_bytes`: copies that hold the same rows count once, however they are wrapped (a live source that changes
    daily may be serving a cached copy); false for sources published as vintages, which repeat theirs honestly.
    """

    sightings: int = Field(ge=2)
    distinct_bytes: bool
    least_found: LeastFound | None = None


class Freshness(Strict):
    """Hours after which a source's newest complete snapshot is shown as ageing, and as too old."""

    warn_hours: int = Field(gt=0)
    fail_hours: int = Field(gt=0)


class SourceContract(Strict):
    """One public record we read."""

    source: str
    state: str | None = Field(default=None, description="The state whose register of companies this is a source of.")
    by_hand: bool = Field(
        default=False, description="Only a person may fetch it: the publisher's terms or means leave no other way."
    )
    title: str
    publisher: str
    landing_page: str
    licence: str
    cadence: str
    row_is: str = Field(description="What one row is, for people.")
    key: tuple[str, ...] = Field(description="Columns that identify a row within one snapshot.")
    rows: Bounds
    bytes: Bounds
    change: Change | None = Field(
        description="None where a snapshot is a batch of look-ups or a day's file, not a whole list."
    )
    required_fill_pct: dict[str, float] = Field(description="Column -> least share of filled rows, in percent.")
    max_reject_pct: float = Field(ge=0, le=100)
    newest_within_days: int | None = Field(
        default=None, description="The newest date inside a copy may be at most this old on its as-of day."
    )
    absence: Absence | None = Field(description="None where a row's absence can prove nothing.")
    freshness: Freshness

    @property
    def one_row(self) -> str:
        """`row_is` as the end of a sentence: "one business, whatever its status."."""
        return self.row_is[:1].lower() + self.row_is[1:]

    @property
    def is_looked_up(self) -> bool:
        """Whether a snapshot is a batch of look-ups, which add up, instead of a whole list, which replaces the last."""
        return self.change is None and self.state is None


@lru_cache(maxsize=1)
def contracts() -> dict[str, SourceContract]:
    """Every source's contract by its key, in a stable order. Raises ConfigError naming the file and the field."""
    found: dict[str, SourceContract] = {}
    folder = resources.files("pw_pipelines.sources") / "contracts"
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if not entry.name.endswith(".yaml"):
            continue
        file = f"sources/contracts/{entry.name}"
        contract = read_entry(entry.read_text(encoding="utf-8"), SourceContract, file=file)
        if contract.source != entry.name.removesuffix(".yaml"):
            raise ConfigError(f"{file} names the source {contract.source!r}; they must agree.")
        found[contract.source] = contract
    return found


def contract(source: str) -> SourceContract:
    """The contract of one source. Raises UsageError naming the known ones."""
    try:
        return contracts()[source]
    except KeyError:
        raise UsageError(f"There is no source {source!r}; known: {', '.join(contracts())}.") from None
