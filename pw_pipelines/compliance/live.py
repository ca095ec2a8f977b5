"""Reads one carrier's public record now: its CORES page, its Form 499 filers, its filings in docket 06-36.

A live reading is a courtesy on top of the stored copies. It is never waited for longer than a few seconds, a
failure is an answer of its own (`Unread`) and never "not there", and the same carrier is not read again within
five minutes. Replies go through the same readers as whole copies, so both are understood alike.
"""

from __future__ import annotations

import io
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from pw_pipelines import logs
from pw_pipelines.clock import Clock
from pw_pipelines.compliance.check_books import CoresRow
from pw_pipelines.errors import ConfigError, SourceError
from pw_pipelines.settings import Settings
from pw_pipelines.sources.report import ReadReport

DEADLINE_SECONDS = 8.0  # a person waits for the page; the stand-in's slowest healthy answer takes 1 s
TIMEOUT_SECONDS = 6.0
KEPT_FOR = timedelta(minutes=5)
KEPT_CARRIERS = 1_000
WORKERS = 6
MOST_WAITING = 24  # readings queued or under way; beyond that nobody is helped by joining the queue

log = logs.get_logger(__name__)


class _Form499(Protocol):
    def by_frn(self, frn: str) -> bytes: ...


class _Ecfs(Protocol):
    def by_name(self, name: str, since: date) -> list[dict[str, Any]]: ...


class _Cores(Protocol):
    def page(self, frn: str) -> bytes: ...


class Sites(Protocol):
    """The public sites, as `resources.fcc_sites.FccSites` offers them."""

    @property
    def form499(self) -> _Form499: ...
    @property
    def ecfs(self) -> _Ecfs: ...
    @property
    def cores(self) -> _Cores: ...


@dataclass(frozen=True)
class Filer:
    """One Form 499 filer with the FRN. `current_as_of`: 1 April of the last yearly cycle filed."""

    filer_id: str
    is_active: bool
    current_as_of: date | None
    dc_agent: str | None
    dc_agent_state: str | None


@dataclass(frozen=True)
class CpniFiling:
    """One filing in docket 06-36; `received_on` is the America/New_York day."""

    id_submission: str
    received_on: date
    filer_keys: tuple[str, ...]


@dataclass(frozen=True)
class LiveAnswer:
    """What one source said at `read_at` (UTC). Only the field of that source is filled."""

    source: str
    read_at: datetime
    cores: CoresRow | None = None
    filers: tuple[Filer, ...] = ()
    cpni: tuple[CpniFiling, ...] = ()


@dataclass(frozen=True)
class Unread:
    """The source could not be read now: nobody knows what it says. `why` is for the carrier to read."""

    source: str
    tried_at: datetime
    why: str


Answers = Mapping[str, LiveAnswer | Unread]


@dataclass(frozen=True)
class Subject:
    """Whom to ask about. `name` is what ECFS is searched by (it knows no FRN), `since` the first day searched."""

    frn: str
    name: str | None
    since: date


class LiveRecord:
    """The public record, read now. Thread-safe; one per process."""

    def __init__(self, sites: Sites, clock: Clock, *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._clock = clock
        self._deadline = deadline_seconds
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="live-record")
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], LiveAnswer] = OrderedDict()
        self._under_way: dict[tuple[str, str], Future[LiveAnswer]] = {}
        self._ask: dict[str, Callable[[Subject], LiveAnswer]] = {
            "fcc_cores": lambda subject: self._cores(sites, subject),
            "fcc_form499": lambda subject: self._form499(sites, subject),
            "fcc_cpni": lambda subject: self._cpni(sites, subject),
        }

    def read(self, subject: Subject, sources: Iterable[str]) -> Answers:
        """Asks the sources together; each answers or is Unread. Never raises for a source that fails."""
        answers: dict[str, LiveAnswer | Unread] = {}
        asked: dict[str, Future[LiveAnswer]] = {}
        for source in sources:
            kept = self._still_kept(source, subject.frn)
            if kept is not None:
                answers[source] = kept
            elif source == "fcc_cpni" and not subject.name:
                answers[source] = self._unread(source, "ECFS is searched by name, and no name is known for this FRN")
            elif (future := self._start(source, subject)) is not None:
                asked[source] = future
            else:
                answers[source] = self._unread(source, "too many carriers are being read at this moment")
        wait(asked.values(), timeout=self._deadline)
        for source, future in asked.items():
            answers[source] = self._outcome(source, subject.frn, future)
        return answers

    def close(self) -> None:
        """Starts nothing more; what is under way ends with its own time-out."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, source: str, subject: Subject) -> Future[LiveAnswer] | None:
        """A reading under way for this carrier is joined, not doubled. None when the queue is full."""
        key = (source, subject.frn)
        with self._lock:
            if key in self._under_way:
                return self._under_way[key]
            if len(self._under_way) >= MOST_WAITING:
                return None
            future = self._under_way[key] = self._pool.submit(self._ask[source], subject)
        future.add_done_callback(lambda done: self._finished(key, done))
        return future

    def _finished(self, key: tuple[str, str], done: Future[LiveAnswer]) -> None:
        """Keeps an answer, even one that came after its asker stopped waiting."""
        with self._lock:
            self._under_way.pop(key, None)
            if not done.cancelled() and done.exception() is None:
                self._kept[key] = done.result()
                self._kept.move_to_end(key)
                while len(self._kept) > KEPT_CARRIERS:
                    self._kept.popitem(last=False)

    def _still_kept(self, source: str, frn: str) -> LiveAnswer | None:
        with self._lock:
            kept = self._kept.get((source, frn))
        if kept is None or abs(self._clock.now() - kept.read_at) > KEPT_FOR:
            return None
        return kept

    def _outcome(self, source: str, frn: str, future: Future[LiveAnswer]) -> LiveAnswer | Unread:
        if not future.done():
            log.info("live reading not in time", source=source, frn=frn, seconds=self._deadline)
            return self._unread(source, f"it did not answer within {self._deadline:g} seconds")
        try:
            return future.result()
        except SourceError as error:
            log.info("live reading failed", source=source, frn=frn, error=str(error))
            return self._unread(source, "it did not answer as it should")
        except ConfigError as error:
            log.warning("live reading is not set up", source=source, error=str(error))
            return self._unread(source, "reading it live is not set up here")

    def _unread(self, source: str, why: str) -> Unread:
        return Unread(source, self._clock.now(), why)

    def _cores(self, sites: Sites, subject: Subject) -> LiveAnswer:
        for row in rows_of("fcc_cores", sites.cores.page(subject.frn), file_name=f"{subject.frn}.html"):
            updated = row["updated_at_et"]
            now = self._clock.now()
            shown = CoresRow(
                row["is_found"], row["entity_name"], row["entity_type"], updated and updated.date(), read_at=now
            )
            return LiveAnswer("fcc_cores", now, cores=shown)
        raise SourceError(f"CORES: the page of {subject.frn} could not be understood.", source="fcc_cores")

    def _form499(self, sites: Sites, subject: Subject) -> LiveAnswer:
        rows = rows_of("fcc_form499", sites.form499.by_frn(subject.frn))
        filers = tuple(
            Filer(
                row["filer_id"],
                row["is_active"],
                row["registration_current_as_of"],
                row["dc_agent"],
                row["dc_agent_state"],
            )
            for row in rows
            if row["frn"] == subject.frn  # a server that ignored the filter must not clear anybody
        )
        return LiveAnswer("fcc_form499", self._clock.now(), filers=filers)

    def _cpni(self, sites: Sites, subject: Subject) -> LiveAnswer:
        found = sites.ecfs.by_name(subject.name or "", subject.since)
        filings = tuple(
            CpniFiling(row["id_submission"], row["received_on_et"], tuple(row["filer_keys"]))
            for row in rows_of("fcc_cpni", json.dumps({"filing": found}).encode())
        )
        return LiveAnswer("fcc_cpni", self._clock.now(), cpni=filings)


def rows_of(source: str, body: bytes, *, file_name: str | None = None) -> list[dict[str, Any]]:
    """One reply's rows as dictionaries, by the source's own reader. Raises SourceError when it cannot be read whole.

    A record that the reader rejects makes the reading fail: it might be the very one that was looked for.
    """
    from pw_pipelines.sources.registry import reader  # brings lxml and calamine; only a live reading needs them

    read, report = reader(source), ReadReport(file_name=file_name)
    rows = [dict(zip(read.columns, row, strict=True)) for row in read(io.BytesIO(body), report)]
    if report.reject_count:
        raise SourceError(f"{source}: {report.rejects[0].reason}", source=source)
    return rows


def open_live_record(settings: Settings, clock: Clock) -> LiveRecord:
    """The live record over the real clients (in the sandbox: the stand-ins), with short time-outs and one try each."""
    from pw_pipelines.resources.fcc_sites import FccSites  # brings httpx; only a live reading needs it

    short = settings.model_copy(update={"http_timeout_seconds": TIMEOUT_SECONDS, "http_attempts": 1})
    return LiveRecord(FccSites(short), clock)
