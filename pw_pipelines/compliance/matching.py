"""Names matched to carriers where a record has no FRN: filings of docket 06-36, and Form 499 filers without one.

A match says how it was made and how surely; it is never made silently. `near` is similarity alone, `affiliate` a
filing of somebody of the same group: both prove nothing and only turn an accusation into a question.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from psycopg import Connection

from pw_pipelines import names
from pw_pipelines.compliance import matching_names
from pw_pipelines.compliance.calendar import due_in
from pw_pipelines.compliance.matching_names import CarrierName, CarrierNames, Filing
from pw_pipelines.compliance.near import CUTOFF_OWNED, NearName, nearest
from pw_pipelines.db.connection import Database

CONFIDENCE = {"exact": 1.0, "key": 0.95, "holding": 0.8, "document": 0.7}  # near: its similarity, at most 0.65
NEAR_AT_MOST = 0.65
AFFILIATE = 0.5
DOCUMENT_WORDS = 8  # longest name looked for in a file name, but for the name that is all of it
# Parts of one filer text that are names of their own.
_PARTS = re.compile(
    r"\b[dfan]\s*/?\s*[bk]\s*/?\s*a\b\.?|\b(?:filed |submitted )?(?:on behalf of|by|for)\b|\bo/b/o\b|\bc/o\b"
    r"|\bdoing business as\b|\bformerly\b(?: known as\b)?|\b(?:also|now) known as\b"
    r"|\b(?:as )?successors? (?:to|in interest)\b|,?\s+et al\b\.?|\s+[/–—-]\s+|:"
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
        filers, with_frn = matching_names.read_filers(connection, on)
        in_time = due_in("cpni", since.year)[-1].late_after if since else None
        matches = [
            *match_filings(filings, carriers, in_time=in_time),
            *match_filers(filers, carriers, with_frn=with_frn),
        ]
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


def match_filings(filings: Iterable[Filing], carriers: CarrierNames, *, in_time: date | None = None) -> list[Match]:
    """Every filing against every carrier, surest method first.

    `near` and `affiliate` only for active carriers with no match at all, and, among the filings received up to
    `in_time`, for those whose own came later: the one in time may have been misspelt or an affiliate's.
    """
    found: dict[tuple[str, str], Match] = {}
    filings = list(filings)
    prompt = [one for one in filings if in_time and one.received_on and one.received_on <= in_time]
    prompt_ids = {one.id_submission for one in prompt}
    owned: set[tuple[str, str]] = set()
    for filing in filings:
        for text, name, method, carrier in _direct(filing, carriers):
            owned.add((filing.id_submission, text))
            _keep(found, _match(filing, name, method, carrier))
    direct = list(found.values())
    matched = {match.frn for match in direct}
    is_prompt = {match.frn for match in direct if match.subject_id in prompt_ids}
    late = carriers.active & matched - is_prompt if prompt else set()
    bearers = _bearers(carriers)
    for asking, among in ((carriers.active - matched, filings), (late, prompt)):
        names_asking = [name for name in carriers.all if name.frn in asking]
        for near in nearest(_near_names(among, owned), names_asking, bearers=bearers):
            confidence = round(NEAR_AT_MOST * near.similarity / 100, 3)
            _keep(found, _match(near.filing, near.name, "near", near.carrier, confidence=confidence))
        for match in _affiliates(direct, among, asking, carriers):
            _keep(found, match)
    return list(found.values())


def _bearers(carriers: CarrierNames) -> Counter[str]:
    """Word -> how many carriers have it in a name."""
    return Counter(word for _, word in {(one.frn, word) for one in carriers.all for word in one.key.split()})


def _affiliates(direct: list[Match], among: list[Filing], asking: set[str], carriers: CarrierNames) -> Iterator[Match]:
    """For each carrier that asks, one filing of somebody of its group, the earliest: it may speak for all of them."""
    received = {one.id_submission: (one.received_on or date.max, one.id_submission) for one in among}
    first: dict[str, Match] = {}
    for match in direct:
        if match.subject_id in received:
            for group in carriers.groups.get(match.frn, ()):
                if group not in first or received[match.subject_id] < received[first[group].subject_id]:
                    first[group] = match
    for frn in sorted(asking):
        known = [first[group] for group in carriers.groups.get(frn, ()) if group in first]
        if known:
            match = min(known, key=lambda one: received[one.subject_id])
            yield replace(match, frn=frn, method="affiliate", confidence=AFFILIATE)


def match_filers(filers: Iterable[Filing], carriers: CarrierNames, *, with_frn: Iterable[Filing] = ()) -> list[Match]:
    """Form 499 filers without an FRN against the names carriers have in other records.

    `near` only for carriers that the Form 499 database does not know by their FRN: one filer without an FRN, or one
    under another FRN (`with_frn`) that is a close look-alike, may be theirs.
    """
    found: dict[tuple[str, str], Match] = {}
    filers = list(filers)
    for filer in filers:
        for name in filer.names:
            for carrier in carriers.by_key.get(names.key(name), ()):
                if carrier.kind == "own" and carrier.source != "fcc_form499":
                    method = "exact" if names.plain(name) == names.plain(carrier.text) else "key"
                    _keep(found, _match(filer, name, method, carrier, subject="form499"))
    known = {name.frn for name in carriers.own if name.source == "fcc_form499"} | {one.frn for one in found.values()}
    asking = [name for name in carriers.own if name.frn not in known]
    filed = [
        NearName(filer, name, names.key(name), is_owned)
        for some, is_owned in ((filers, False), (with_frn, True))
        for filer in some
        for name in filer.names
    ]
    for near in nearest(filed, asking, bearers=_bearers(carriers)):
        if near.is_owned and near.similarity < CUTOFF_OWNED:
            continue
        confidence = round(NEAR_AT_MOST * near.similarity / 100, 3)
        match = _match(near.filing, near.name, "near", near.carrier, confidence=confidence, subject="form499")
        _keep(found, match)
    return list(found.values())


def parts(text: str) -> tuple[str, ...]:
    """The names in one filer text: the whole, and what stands around `d/b/a`, `on behalf of`, `and affiliates` …"""
    found = [text, *(part.strip(" ,.-") for part in _PARTS.split(text))]
    return tuple(dict.fromkeys(part for part in found if part))


def _direct(filing: Filing, carriers: CarrierNames) -> Iterator[tuple[str, str, str, CarrierName]]:
    """(text of the filing, name in it, method, carrier)."""
    for whole in filing.names:
        for name in parts(whole):
            for carrier in carriers.by_key.get(names.key(name), ()):
                if carrier.kind == "holding":
                    yield whole, name, "holding", carrier
                else:
                    same = names.plain(name) == names.plain(carrier.text)
                    yield whole, name, "exact" if same and name == whole else "key", carrier
    for document in filing.documents:
        for carrier in _in_document(document, carriers):
            yield document, document, "document", carrier


def _in_document(document: str, carriers: CarrierNames) -> Iterator[CarrierName]:
    """Carriers of whom a name is in a document's file name, or is all of it but for words that say what it is."""
    words = matching_names.document_words(document)
    phrases = [
        words[start : start + length]
        for start in range(len(words))
        for length in range(1, min(DOCUMENT_WORDS, len(words) - start) + 1)
        if length > 1 or matching_names.is_distinctive(words[start])
    ]
    left = matching_names.document_name(document)
    if left and matching_names.names_somebody(left):
        phrases.append(left.split())
    for phrase in phrases:
        key = names.key_words(phrase)
        yield from carriers.by_key.get(" ".join(key), ())
        letters = "".join(key)
        if len(letters) >= matching_names.DISTINCTIVE_LETTERS and matching_names.names_somebody(" ".join(key)):
            yield from carriers.by_letters.get(letters, ())


def _near_names(filings: Iterable[Filing], owned: set[tuple[str, str]]) -> Iterator[NearName]:
    for filing in filings:
        for whole in filing.names:
            for name in parts(whole):
                yield NearName(filing, name, names.key(name), (filing.id_submission, whole) in owned)
        for document in filing.documents:
            key = names.key(matching_names.document_name(document))
            yield NearName(filing, document, key, (filing.id_submission, document) in owned)


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
