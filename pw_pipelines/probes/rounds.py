"""Looks at portals, one after the other, politely, and writes down what was seen.

One visit at a time per host and none beside a filing at the same portal; a pause between pages; we say who we are. A
portal whose terms forbid programs is never visited. Nothing is filed, no challenge is answered.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from pw_pipelines.clock import Clock
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError, OutsideUnavailable, PwError
from pw_pipelines.filings.browsers import Browsers
from pw_pipelines.filings.engine import FilingEngine
from pw_pipelines.filings.material import Shot
from pw_pipelines.filings.pacing import alone_at
from pw_pipelines.filings.portal import Portal, portal_of
from pw_pipelines.filings.probing import ProbeReport
from pw_pipelines.probes import books, telling
from pw_pipelines.probes.searching import probe_search
from pw_pipelines.probes.targets import Target, targets
from pw_pipelines.resources.objects import Objects
from pw_pipelines.sensors import alert_book
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EXCERPT_BYTES = 20_000
TURN_SECONDS = 120.0  # waited for another visit of the same host, or a filing, to end


@dataclass(frozen=True)
class NotLooked:
    """A portal that was not visited, and why."""

    portal: str
    why: str


@dataclass
class Prober:
    """Opened once, for as many portals as wanted. `browsers` and `engine` may be shared with whoever files."""

    settings: Settings
    db: Database
    objects: Objects
    portals: Callable[[str], Portal] = portal_of
    browsers: Browsers | None = None
    engine: FilingEngine | None = None
    clock: Clock | None = None
    _own: Browsers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._own = self.browsers or Browsers()
        self.clock = self.clock or self.settings.clock
        self.engine = self.engine or FilingEngine(self.settings, portals=self.portals, browsers=self._own)

    def close(self) -> None:
        """Closes the browser, where it is its own."""
        if self.browsers is None:
            self._own.close()

    def now(self) -> datetime:
        """The moment of the house."""
        assert self.clock is not None
        return self.clock.now()

    def targets(self) -> dict[str, Target]:
        """Every portal."""
        return targets(self.settings, portals=self.portals)

    def look(self, target: Target, *, by: str) -> books.Kept | NotLooked:
        """Looks at one portal and writes it down, with its alerts. Raises PwError when nothing could be looked at."""
        if target.never is not None:
            return NotLooked(target.code, target.never)
        if (resting := target.resting(self.now())) is not None:
            return NotLooked(target.code, resting)
        with self._alone(target) as alone:
            if not alone:
                return NotLooked(
                    target.code, "Somebody of ours is at this portal just now; it is visited once at a time."
                )
            began = time.monotonic()
            report = self._visit(target)
            return self.keep(target, report, by=by, seconds=time.monotonic() - began)

    def keep(self, target: Target, report: ProbeReport, *, by: str, seconds: float) -> books.Kept:
        """Writes down what was seen, and what ops are to be told of it."""
        now = self.now()
        shots = [self._kept(shot) for shot in report.shots]
        with self.db.connect(application="pw-probe") as connection:
            kept = books.keep(connection, report, kind=target.kind, by=by, now=now, seconds=seconds, shots=shots)
        self.tell()
        return kept

    def tell(self) -> int:
        """Writes what is to be told and has not been; returns how much. It is sent by whoever sends alerts."""
        now = self.now()
        titles = {code: one.title for code, one in self.targets().items()}
        with self.db.connect(application="pw-probe") as connection:
            found = telling.alerts(
                connection, now=now, away_hours=self.settings.probe_away_hours, titles=titles,
                desk_url=self.settings.public_url,
            )  # fmt: skip
        return alert_book.write(self.db, found, now)

    def _visit(self, target: Target) -> ProbeReport:
        try:
            if target.portal is not None:
                assert self.engine is not None
                return self.engine.probe(target.portal)
            return self._own.run(lambda browser: self._search(browser, target))
        except (OutsideUnavailable, ConfigError) as away:
            if isinstance(away, ConfigError) and "Chromium" in str(away):
                raise
            return ProbeReport(target.code, away=str(away))
        except PwError:
            raise
        except Exception as error:
            from playwright.sync_api import Error

            if not isinstance(error, Error):
                raise
            return ProbeReport(target.code, away=f"The browser could not go on: {str(error).splitlines()[0]}")

    def _search(self, browser: Browser, target: Target) -> ProbeReport:
        context = browser.new_context(
            user_agent=self.settings.user_agent, viewport={"width": 1280, "height": 900}, service_workers="block"
        )
        try:
            page = context.new_page()
            wait = target.road.pacing_seconds if target.road else 0.0
            return probe_search(page, target, pause=lambda: page.wait_for_timeout(1000 * wait))
        finally:
            context.close()

    @contextmanager
    def _alone(self, target: Target) -> Iterator[bool]:
        """Whether nobody else of ours is at the host, or files or searches at the portal, until the block ends."""
        with ExitStack() as stack:
            keys = [f"probe host {target.host}"]
            if target.kind == "search" and target.road is not None:
                keys.append(f"portal search {target.road.state}")
            if not all(stack.enter_context(self._locked(key)) for key in keys):
                yield False
                return
            if target.portal is not None and not stack.enter_context(
                alone_at(self.db.url, target.code, wait_seconds=TURN_SECONDS)
            ):
                yield False
                return
            yield True

    @contextmanager
    def _locked(self, key: str) -> Iterator[bool]:
        with psycopg.connect(self.db.url, autocommit=True, application_name="pw-probe") as connection:
            connection.execute("select set_config('lock_timeout', %s, false)", (f"{round(TURN_SECONDS * 1000)}ms",))
            try:
                connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (key,))
            except psycopg.errors.LockNotAvailable:
                yield False
                return
            yield True

    def _kept(self, shot: Shot) -> dict[str, Any]:
        """Picture, HTML and the excerpt of it in the object store, by digest."""
        return {
            "title": shot.title,
            "picture": self._put(shot.picture) if shot.picture is not None else None,
            "html": self._put(shot.html),
            "excerpt": self._put(excerpt(shot.html)),
        }

    def _put(self, content: bytes) -> str:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            return self.objects.put(Path(file.name))


def excerpt(html: bytes) -> bytes:
    """The part of a page with its forms; the whole where it has none; not endless."""
    first, last = html.find(b"<form"), html.rfind(b"</form>")
    part = html[first : last + len(b"</form>")] if 0 <= first < last else html
    return part[:EXCERPT_BYTES]


def look_at_all(
    prober: Prober,
    wanted: Sequence[Target],
    *,
    by: str,
    told: Callable[[books.Kept | NotLooked], None] = lambda _: None,
) -> list[books.Kept | NotLooked]:
    """Each of these in turn; `told` hears of each as it ends."""
    found = []
    for target in wanted:
        one = prober.look(target, by=by)
        told(one)
        found.append(one)
    return found
