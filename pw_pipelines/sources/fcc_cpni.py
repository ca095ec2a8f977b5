"""ECFS docket 06-36: annual CPNI certifications, one row per filing. Names only: ECFS knows no FRN.

A copy is a bundle of the API's pages, or one reply saved by hand. The address and mail address of private
commenters, which the API sends along, are never read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

from pw_pipelines import names
from pw_pipelines.clock import eastern_day
from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources import replies
from pw_pipelines.sources.body import opened, refuse_html
from pw_pipelines.sources.report import ReadReport
from pw_pipelines.sources.tally import Tally

DOCKET = "06-36"
_SHOWN_CHARACTERS = 120


def filings_of(body: bytes, where: str = "reply") -> list[Any]:
    """The records of one reply. Raises SourceRejected, quoting the text, when it is not JSON with the key `filing`.

    ECFS sends errors such as `Parameters incorrectly formatted` as text, at times with status 200.
    """
    refuse_html(body[:4096], "fcc_cpni", "JSON")
    try:
        found = json.loads(body)
    except UnicodeDecodeError as error:
        raise SourceRejected(f"ECFS {where}: not UTF-8 at byte {error.start:,}.", source="fcc_cpni") from error
    except ValueError as error:
        shown = body[:_SHOWN_CHARACTERS].decode("utf-8", "replace")
        ends = f" … {body[-40:].decode('utf-8', 'replace')!r}" if len(body) > _SHOWN_CHARACTERS else ""
        raise SourceRejected(
            f"ECFS {where}: text or a cut reply instead of JSON: {shown!r}{ends}.", source="fcc_cpni"
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("filing"), list):
        keys = ", ".join(sorted(found)) if isinstance(found, dict) else type(found).__name__
        raise SourceRejected(f"ECFS {where}: the key `filing` is missing (found: {keys[:200]}).", source="fcc_cpni")
    return list(found["filing"])


class CpniReader:
    """Reads the docket's filings. Facts for the grader: `by_year` (filings by Eastern year of receipt), `pages`."""

    source = "fcc_cpni"
    table = "fcc_cpni_filings"
    columns = tuple(
        """id_submission received_at received_on_et filer_names filer_keys document_names submission_type
        filing_status""".split()
    )

    def __call__(self, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[object, ...]]:
        tally = Tally(report, self.columns, ("id_submission",))
        page_of: dict[str, int] = {}
        by_year: Counter[str] = Counter()
        page = 0
        for page, (name, body) in enumerate(self._pages(raw, report), start=1):
            for position, record in enumerate(filings_of(body, name), start=1):
                try:
                    row = _row(record)
                except ValueError as error:
                    report.reject(position, f"{name}: {error}", _excerpt(record))
                    continue
                known = page_of.setdefault(str(row[0]), page)
                if known != page:
                    tally.mend("{n} filing(s) stood on two pages (edges of the date windows), read once")
                    continue
                received_on = row[2]
                report.newest = max(report.newest or received_on, received_on)
                by_year[str(received_on.year)] += 1
                yield tally.take(row)
        tally.close()
        report.facts.update(by_year=dict(sorted(by_year.items())), pages=page)

    def _pages(self, raw: BinaryIO, report: ReadReport) -> Iterator[tuple[str, bytes]]:
        if replies.is_bundle(raw, self.source):
            report.layout = "pages"
            for member, body in replies.members(raw, self.source):
                yield member.name, body
            return
        if replies.is_zip(raw):
            raise SourceRejected("A ZIP that is no bundle of ECFS pages: index.json is missing.", source=self.source)
        report.layout, report.proves_absence = "reply", False
        stream, _ = opened(raw, self.source)
        yield "reply", replies.whole(stream, self.source)


def _row(record: Any) -> tuple[Any, ...]:
    """One filing. Raises ValueError with a sentence for what cannot be read."""
    if not isinstance(record, dict):
        raise ValueError("a filing is not an object")  # noqa: TRY004  one kind of error for every unreadable record
    key = str(record.get("id_submission") or "").strip()
    if not key:
        raise ValueError("a filing has no id_submission")
    dockets = _texts(record.get("proceedings"), "name")
    if DOCKET not in dockets:
        raise ValueError(f"filing {key} is not in docket {DOCKET} but in {', '.join(dockets) or 'none'}")
    received_at = _moment(record.get("date_received"), key)
    filers = list(dict.fromkeys(name for name in _texts(record.get("filers"), "name") if names.key(name)))
    return (
        key,
        received_at,
        eastern_day(received_at),
        filers,
        [names.key(name) for name in filers],
        _texts(record.get("documents"), "filename"),
        _first(record.get("submissiontype"), "description", "short"),
        _first(record.get("filingstatus"), "description"),
    )


def _moment(value: object, key: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"filing {key}: date_received is {value!r}, expected an ISO 8601 moment") from None
    if moment.tzinfo is None:
        raise ValueError(f"filing {key}: date_received {value!r} has no time zone")
    return moment.astimezone(UTC)


def _texts(value: object, field: str) -> list[str]:
    """The trimmed, non-empty `field` of each object in a list; an absent list is empty."""
    found = value if isinstance(value, list) else []
    return [text for item in found if isinstance(item, dict) and (text := str(item.get(field) or "").strip())]


def _first(value: object, *fields: str) -> str | None:
    if not isinstance(value, dict):
        return None
    return next((text for field in fields if (text := str(value.get(field) or "").strip())), None)


def _excerpt(record: Any) -> str:
    """What helps to find a rejected record; nobody's address."""
    if not isinstance(record, dict):
        return str(record)
    return json.dumps({key: record.get(key) for key in ("id_submission", "date_received", "proceedings")})
