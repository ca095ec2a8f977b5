"""Names matched to carriers where a record has no FRN: filings of docket 06-36, and Form 499 filers without one.

A match says how it was made and how surely; it is never made silently. `near` is similarity alone and proves
nothing: it only turns an accusation into a question.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from psycopg import Connection

from pw_pipelines import names
from pw_pipelines.compliance import matching_names
from pw_pipelines.compliance.matching_names import CarrierName, CarrierNames, Filing
from pw_pipelines.compliance.near import NearName, nearest
from pw_pipelines.db.connection import Database

CONFIDENCE = {"exact": 1.0, "key": 0.95, "holding": 0.8, "document": 0.7}  # near: its similarity, at most 0.65
NEAR_AT_MOST = 0.65
DOCUMENT_WORDS = 8  # longest name looked for in a file name
# Parts of one filer text that are names of their own.
_PARTS = re.compile(
    r"\b[dfa]\s*/?\s*[bk]\s*/?\s*a\b\.?|\bon behalf of\b|\bdoing business as\b"
    r"|,?\s+and (?:its |all )?(?:affiliates|subsidiaries|affiliated companies)\b.*|;|\||\(|\)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Match:
    """One record and one carrier, linked by name: a row of core.name_matches."""

    subject: str
    subject_id: str
    frn: str
    method: str
    confidence: float
    subject_name: str
    carrier_name: str
    snapshot_ids: tuple[str, ...]


@dataclass(frozen=True)
class MatchReport:
    """What one run looked at and found. `since`: filings received from that day on were looked at (Eastern)."""

    as_of: date
    since: date | None
    carriers: int
    filings: int
    filers_without_frn: int
    by_method: dict[str, int] = field(default_factory=dict)
    snapshot_ids: tuple[str, ...] = ()
    seconds: float = 0.0


def match_names(db: Database, *, on: date, now: datetime | None = None) -> MatchReport:
    """Rebuilds core.name_matches from the copies in force on day `on`, and books the run. One transaction.

    `now` is the moment the run is booked under (aware); left out, the database's.
    """
    began = time.perf_counter()
    with db.connect(application="pw-matching") as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('pw.name_matches'))")
        snapshot_ids = matching_names.in_force(connection, on)
        carriers = matching_names.read_carriers(connection, on)
        since = matching_names.filings_since(connection, on)
        filings = matching_names.read_filings(connection, on, since) if since else []
        filers = matching_names.read_filers_without_frn(connection, on)
        matches = [*match_filings(filings, carriers), *match_filers(filers, carriers)]
        _write(connection, matches)
        connection.execute(
            "insert into pw.match_runs (matched_at, as_of, snapshot_ids) values (coalesce(%s, now()), %s, %s)",
            (now, on, snapshot_ids),
        )
    return MatchReport(
        as_of=on,
        since=since,
        carriers=len(carriers.frns),
        filings=len(filings),
        filers_without_frn=len(filers),
        by_method=dict(Counter(f"{match.subject} {match.method}" for match in matches)),
        snapshot_ids=tuple(snapshot_ids),
        seconds=round(time.perf_counter() - began, 3),
    )


def is_matched(db: Database, *, on: date) -> bool:
    """Whether the last run of the matching used exactly the copies that are in force on day `on`."""
    with db.connect(application="pw-matching") as connection:
        wanted = matching_names.in_force(connection, on)
        run = connection.execute("select as_of, snapshot_ids from pw.match_runs order by id desc limit 1").fetchone()
    return run is not None and run["as_of"] == on and run["snapshot_ids"] == wanted


def match_filings(filings: Iterable[Filing], carriers: CarrierNames) -> list[Match]:
    """Every filing against every carrier: surest method first; `near` only for carriers with no match at all."""
    found: dict[tuple[str, str], Match] = {}
    filings = list(filings)
    owners: dict[str, set[str]] = defaultdict(set)
    for filing in filings:
        for name, method, carrier in _direct(filing, carriers):
            owners[filing.id_submission].add(carrier.frn)
            _keep(found, _match(filing, name, method, carrier))
    matched = {match.frn for match in found.values()}
    unmatched = {frn for frn in carriers.active if frn not in matched}
    for near in nearest(_near_names(filings, owners), (name for name in carriers.own if name.frn in unmatched)):
        confidence = round(NEAR_AT_MOST * near.similarity / 100, 3)
        _keep(found, _match(near.filing, near.name, "near", near.carrier, confidence=confidence))
    return list(found.values())


def match_filers(filers: Iterable[Filing], carriers: CarrierNames) -> list[Match]:
    """Form 499 filers without an FRN against the names carriers have in other records; `exact` and `key` only."""
    found: dict[tuple[str, str], Match] = {}
    for filer in filers:
        for name in filer.names:
            for carrier in carriers.by_key.get(names.key(name), ()):
                if carrier.kind == "own" and carrier.source != "fcc_form499":
                    method = "exact" if names.plain(name) == names.plain(carrier.text) else "key"
                    _keep(found, _match(filer, name, method, carrier, subject="form499"))
    return list(found.values())


def parts(text: str) -> tuple[str, ...]:
    """The names in one filer text: the whole, and what stands around `d/b/a`, `on behalf of`, `and affiliates` …"""
    found = [text, *(part.strip(" ,.-") for part in _PARTS.split(text))]
    return tuple(dict.fromkeys(part for part in found if part))


def _direct(filing: Filing, carriers: CarrierNames) -> Iterator[tuple[str, str, CarrierName]]:
    for whole in filing.names:
        for name in parts(whole):
            for carrier in carriers.by_key.get(names.key(name), ()):
                if carrier.kind == "holding":
                    yield name, "holding", carrier
                else:
                    same = names.plain(name) == names.plain(carrier.text)
                    yield name, "exact" if same and name == whole else "key", carrier
    for document in filing.documents:
        words = names.plain(document.rsplit(".", 1)[0]).split()
        for start in range(len(words)):
            for length in range(1, min(DOCUMENT_WORDS, len(words) - start) + 1):
                phrase = words[start : start + length]
                if length == 1 and not matching_names.is_distinctive(phrase[0]):
                    continue
                for carrier in carriers.by_key.get(names.key(" ".join(phrase)), ()):
                    yield document, "document", carrier


def _near_names(filings: Iterable[Filing], owners: dict[str, set[str]]) -> Iterator[NearName]:
    for filing in filings:
        for whole in filing.names:
            for name in parts(whole):
                yield NearName(filing, name, names.key(name), filing.id_submission in owners)


def _match(
    filing: Filing,
    name: str,
    method: str,
    carrier: CarrierName,
    *,
    confidence: float | None = None,
    subject: str = "cpni",
) -> Match:
    return Match(
        subject=subject,
        subject_id=filing.id_submission,
        frn=carrier.frn,
        method=method,
        confidence=CONFIDENCE[method] if confidence is None else confidence,
        subject_name=name,
        carrier_name=carrier.text,
        snapshot_ids=tuple(sorted({filing.snapshot_id, carrier.snapshot_id})),
    )


def _keep(found: dict[tuple[str, str], Match], match: Match) -> None:
    """The surest match of a record and a carrier stays."""
    key = (match.subject_id, match.frn)
    if key not in found or match.confidence > found[key].confidence:
        found[key] = match


def _write(connection: Connection[dict[str, object]], matches: Iterable[Match]) -> None:
    connection.execute("delete from core.name_matches")
    statement = """copy core.name_matches
        (subject, subject_id, frn, method, confidence, subject_name, carrier_name, snapshot_ids) from stdin"""
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for match in matches:
            copy.write_row((
                match.subject, match.subject_id, match.frn, match.method, match.confidence, match.subject_name,
                match.carrier_name, list(match.snapshot_ids),
            ))  # fmt: skip
    connection.execute("analyze core.name_matches")
