"""Copies of the RMD export made for tests: 23 columns, BOM, quoted line breaks; every name and phone invented."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pw_pipelines.db.connection import Database
from pw_pipelines.resources.fetched import Fetched
from pw_pipelines.resources.objects import Objects
from pw_pipelines.snapshots import road
from pw_pipelines.snapshots.model import Snapshot

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WHOLE = 11_200  # rows of a healthy copy
SMALL = 1_100  # rows where the size does not matter: a part that somebody vouches for
HEADER = tuple(
    """number frn business_name business_address foreign_voice_provider country other_frns other_dba_names
    previous_dba_names robocall_mitigation_contact_name contact_title contact_department contact_business_address
    contact_country contact_telephone_number contact_phone_extension implementation voice_service_provider_choice
    gateway_provider_choice intermediate_provider_choice last_updated last_recertified filing_url""".split()
)
COMPLETE = "Complete STIR/SHAKEN Implementation"


def filing(index: int, *, day: date = TODAY) -> list[str]:
    """One row; the newest date inside is the day before `day`."""
    updated = day - timedelta(days=1 + index % 300)
    return [
        f"RMD{index + 1:07d}", f"{1_000_000 + index:010d}", f"Ñandú & Söhne Telecom {index}, LLC",
        f"{index} Example Street\nSuite 5\nAlbany NY 12207", "No", "United States of America", "", "", "",
        "Pat Example", "Officer", "Regulatory", f"{index} Example Street\nAlbany NY 12207",
        "United States of America", "'+15185550100", "", COMPLETE, "Yes", "No", "No",
        updated.isoformat(), "2026-02-17", f"https://rmd.example/rmd?id=rmd_form&sys_id={index:032x}",
    ]  # fmt: skip


def export(
    rows: int = WHOLE,
    *,
    day: date = TODAY,
    header: Iterable[str] = HEADER,
    change: Callable[[list[str]], list[str]] = list,
) -> bytes:
    """The export of `day`; `change` is applied to every row."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(change(filing(index, day=day)) for index in range(rows))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


class Road:
    """The road with this test's own database and object store. `vouched`: rows every copy is said to have."""

    def __init__(self, db: Database, folder: Path, *, vouched: int | None = None) -> None:
        self.db = db
        self._stated = {"origin": "ingested", "stated_by": "jdoe", "expect_rows": vouched} if vouched else {}
        self.objects = Objects((folder / "objects").as_uri())
        self.folder = folder

    def file(self, body: bytes, name: str = "rmd.csv") -> Path:
        path = self.folder / name
        path.write_bytes(body)
        return path

    def take(
        self, body: bytes, *, as_of: date = TODAY, name: str = "rmd.csv", source: str = "fcc_rmd", **about: object
    ) -> Snapshot:
        """Takes a copy in, as if fetched at noon UTC of its day unless told otherwise."""
        now = NOW + (as_of - TODAY)
        fetched = Fetched(self.file(body, name), "text/csv")
        return road.take(self.db, self.objects, source, fetched, as_of=as_of, now=now, **(self._stated | about))  # type: ignore[arg-type]

    def in_force(self, body: bytes, **about: object) -> Snapshot:
        """Takes a copy in that must be good, and loads it."""
        snapshot = self.take(body, **about)  # type: ignore[arg-type]
        assert snapshot.is_good, snapshot.reasons
        road.load(self.db, self.objects, snapshot.snapshot_id, now=snapshot.fetched_at)
        return snapshot

    def tables(self) -> dict[str, list[dict[str, object]]]:
        """What stands in `core`, row by row, in a stable order."""
        with self.db.connect() as connection:
            return {
                table: connection.execute(f"select * from core.{table} order by snapshot_id, 2").fetchall()
                for table in ("fcc_rmd_filings", "fcc_rmd_presence", "fcc_cores_registrations", "fcc_form499_filers")
            }
