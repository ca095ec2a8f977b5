"""A register of a test's own: copies taken in on a day, names looked up in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pw_pipelines.db.connection import Database
from pw_pipelines.registry import coverage, search
from pw_pipelines.registry.model import Coverage
from pw_pipelines.registry.road import take_in
from pw_pipelines.resources.objects import Objects
from pw_pipelines.snapshots.model import Snapshot
from pw_pipelines.sources.register import Share
from tests.registry.florida import Company, write

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
QUARTER = date(2026, 11, 15)  # day of the whole copy most tests begin with
NO_FLOOR = 0.0


class House:
    """A warehouse and an object store; `now` moves on by a minute with every copy."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db = db
        self.folder = folder
        self.objects = Objects((folder / "objects").as_uri())
        self.now = NOW

    def take(
        self, source: str, path: Path, as_of: date, *, share: Share | None = None, workers: int | None = None,
        floor_share: float = NO_FLOOR,
    ) -> Snapshot:  # fmt: skip
        self.now += timedelta(minutes=1)
        return take_in(
            self.db, self.objects, source, path, as_of=as_of, now=self.now, origin="ingested", stated_by="jdoe",
            share=share, workers=workers, floor_share=floor_share,
        )  # fmt: skip

    def whole(self, *companies: Company, as_of: date = QUARTER, events: bool = True, **how: Any) -> Snapshot:
        """A whole corporate file of Florida, after its whole set of events (one event, which names nobody)."""
        if events:
            self.events(as_of)
        return self.take("sunbiz_cor", write(self.folder / "cordata.txt", companies), as_of, **how)

    def daily(self, day: date, *companies: Company, **how: Any) -> Snapshot:
        """Florida's daily file of `day`."""
        return self.take("sunbiz_cor_daily", write(self.folder / f"{day:%Y%m%d}c.txt", companies), day, **how)

    def events(self, as_of: date, source: str = "sunbiz_events") -> Snapshot:
        """Florida's events, the whole set or a day's: one record that tells no name."""
        name = "corevt.txt" if source == "sunbiz_events" else f"{as_of:%Y%m%d}ce.txt"
        path = self.folder / name
        path.write_bytes(f"L99999999999{as_of:%m%d}0CORE".encode().ljust(662) + b"\r\n")
        return self.take(source, path, as_of)

    def found(self, name: str) -> dict[str, str]:
        """record id -> name of what stands under the keys of `name`."""
        with self.db.connect() as connection:
            records, _capped = search.exact(connection, "FL", name)
        return {one.record_id: one.name for one in records}

    def coverage(self, today: date = TODAY, state: str = "FL") -> Coverage:
        with self.db.connect() as connection:
            return coverage.coverage(connection, state, today)

    def rows(self, query: str, *values: object) -> list[dict[str, object]]:
        with self.db.connect() as connection:
            return connection.execute(query, values).fetchall()

    def register(self) -> dict[str, tuple[object, ...]]:
        """record id -> name, status, standing, form, city, source of the copy that told it last."""
        rows = self.rows(
            "select e.*, p.source from registry.entities e join pw.snapshots p using (snapshot_id) order by record_id"
        )
        return {
            str(row["record_id"]): tuple(row[key] for key in ("name", "status", "standing", "form", "place", "source"))
            for row in rows
        }

    def changes(self) -> list[tuple[object, ...]]:
        rows = self.rows("select * from registry.changes order by record_id, kind")
        return [(row["record_id"], row["kind"], row["before"], row["after"]) for row in rows]

    def tables(self) -> Sequence[str]:
        """Every table of records in the schema, drafts too."""
        rows = self.rows(
            "select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = 'registry' "
            "and relkind = 'r' and (relname like 'entities%%' or relname like 'stage%%') order by relname"
        )
        return [str(row["relname"]) for row in rows]
