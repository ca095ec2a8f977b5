"""What `pw bench soak` breaks on purpose, one thing a day, and what each must and may redden, named beforehand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx

from pw_pipelines.backups.model import Places
from pw_pipelines.bench.paid_orders import BenchFailed, BenchHouse
from pw_pipelines.bench.soak_red import Cause
from pw_pipelines.settings import PROJECT_ROOT

When = Literal["source", "probes", "desk", "night"]  # before acquire; before the probes; as orders are paid; at 23:00
COMPLAINT_DAY = 2


@dataclass
class Breaker:
    """Breaks and mends in one house. `strikes`: the folder of its fault book (pw_pipelines/faults.py)."""

    house: BenchHouse
    strikes: Path
    kept: dict[Path, bytes] = field(default_factory=dict)

    def fault(self, system: str, fault: str, **more: Any) -> None:
        """A stand-in misbehaves until `behave`."""
        self._control("POST", "faults", json={"system": system, "fault": fault, "times": None, **more})

    def behave(self, system: str) -> None:
        """It behaves again."""
        self._control("DELETE", "faults", params={"system": system})

    def redesign(self, portal: str, do: str, at: str, to: str) -> None:
        """A page of a portal is rebuilt until `mend`."""
        self._control("POST", "redesign", json={"portal": portal, "edits": [{"do": do, "at": at, "to": to}]})

    def mend(self, portal: str) -> None:
        """Its pages are as they were."""
        self._control("DELETE", "redesign", params={"portal": portal})

    def strike(self, point: str) -> None:
        """The next process that comes by this fault point is killed."""
        (self.strikes / f"{point}:kill:0").touch()

    def damage(self) -> None:
        """One byte in the middle of the oldest PostgreSQL archive changes, and somebody verifies the backups."""
        row = self.house.connection.execute(
            "select set_id from pw.backup_sets where subject = 'postgres' and state = 'complete' and damage is null "
            "order by captured_at limit 1"
        ).fetchone()
        if row is None:
            raise BenchFailed("There is no backup of PostgreSQL to damage.")
        folder = Places.of(self.house.settings).set("postgres", row["set_id"])
        archive = max(folder.glob("*.age"), key=lambda path: path.stat().st_size)
        whole = archive.read_bytes()
        self.kept[archive] = whole
        middle = len(whole) // 2
        archive.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        if self._verify() == 0:
            raise BenchFailed(f"`pw backup verify` did not find the damage done to {archive.name}.")

    def restore(self) -> None:
        """The archive as it was, and verified again."""
        for path, whole in self.kept.items():
            if path.parent.is_dir():  # else retention let the set go meanwhile
                path.write_bytes(whole)
        self.kept.clear()
        self._verify()

    def _verify(self) -> int:
        return command(self.house.settings.home, "backup", "verify", "--json").returncode

    def _control(self, method: str, where: str, **more: Any) -> None:
        address = f"{self.house.settings.sandbox_url}/_control/{where}"
        httpx.request(method, address, timeout=20, **more).raise_for_status()


def command(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A `pw` command of a person at the house's machine."""
    import os

    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PW_", "DAGSTER_", "PYTHON"))}
    return subprocess.run(
        [sys.executable, "-m", "pw_pipelines.cli", *words], cwd=PROJECT_ROOT, env={**kept, "PW_HOME": str(home)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@dataclass(frozen=True)
class Break:
    """One thing to break. `must`, `may`: names of what it reddens (soak_red.py); what it must is looked for while it is
    broken too. `days`: so many days later it is mended (0: the same day)."""

    name: str
    words: str
    when: When
    begin: Callable[[Breaker], None]
    end: Callable[[Breaker], None]
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    days: int = 0

    def cause(self, day: int) -> Cause:
        """What it explains when it is broken on `day`."""
        return Cause(self.name, self.words, day, day + self.days + 1, self.must, self.may)


def _nothing(_breaker: Breaker) -> None:
    """Nothing to mend."""


BREAKS: Sequence[Break] = (
    Break(
        "source cut short", "The Robocall database sends 40 % of its list, in the morning.", "source",
        lambda b: b.fault("rmd", "truncated"), lambda b: b.behave("rmd"),
        must=("run acquire", "alert run:acquire"),
        may=("alert snapshot:.*", "check [^:]*rmd[^:]*:.*", "alert check:[^:]*rmd.*"),
    ),
    Break(
        "ERPNext away", "ERPNext answers 503 for an hour while orders are paid.", "desk",
        lambda b: b.fault("erpnext", "status", status=503), lambda b: b.behave("erpnext"),
        must=("run make_books", "alert run:make_books"),
    ),
    Break(
        "portal redesigned", "A field of the Robocall portal is gone; mended the next day.", "probes",
        lambda b: b.redesign("fcc_rmd", "drop", "[name=ocn]", ""), lambda b: b.mend("fcc_rmd"),
        must=("alert probe:fcc_rmd:.*", "check portal_probes/fcc_rmd:selectors_stand"),
        may=("gate (portal_closed|changed_page):rmd_filing",), days=1,
    ),
    Break(
        "mail server refusing", "The mail server defers every recipient (451) for an hour while orders are paid.",
        "desk", lambda b: b.fault("smtp", "status", status=451, match="RCPT"), lambda b: b.behave("smtp"),
        must=("gate retry:.*",), may=("run write_to_customers", "alert run:write_to_customers"),
    ),
    Break(
        "damaged archive", "A byte of the oldest PostgreSQL archive changes; put right the next day.", "night",
        lambda b: b.damage(), lambda b: b.restore(),
        must=("alert backup:postgres:damaged:.*",),
        may=("check backup_postgres:archives_stand", "alert check:backup_postgres:archives_stand:.*"), days=1,
    ),
    Break(
        "Telegram away", "Telegram answers 502 for an hour while orders are paid.", "desk",
        lambda b: b.fault("telegram", "status", status=502), lambda b: b.behave("telegram"), must=("unsent alerts",),
    ),
    Break(
        "worker killed", "The worker of an order's run is killed as it files.", "desk",
        lambda b: b.strike("fulfillment.file.begin"), _nothing,
        must=("run fulfill_item", "alert run:fulfill_item"),
    ),
)  # fmt: skip
COMPLAINT = Cause(
    "complaint", "A reader of a campaign complains: its segment stops until a person lifts it.", COMPLAINT_DAY,
    COMPLAINT_DAY + 1, must=("alert mail:stop:.*",),
)  # fmt: skip


def of_days(days: int) -> Mapping[int, Break]:
    """What is broken on which day: one a day, in their order."""
    return {number: BREAKS[(number - 1) % len(BREAKS)] for number in range(1, days + 1)}
