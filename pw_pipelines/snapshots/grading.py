"""Is this copy fit for use? Pure: a reader's report and the circumstances in, a verdict in sentences out.

Grades
    complete  every check passed and the number of rows is vouched for: by the floor of the contract, or by an
              operator who states the exact total
    partial   the facts are true but it is not the whole list, and its own layout says so (one query's reply, a
              reference table): its rows count, absence from it never does. Under the floor this needs a total
              stated by the source itself and met; without one nothing tells such a copy from one cut short. A copy
              saved by hand that is smaller than any whole list and meets its own stated total is such a copy
    rejected  any other failed check: kept raw, shown, alerted, never loaded

An operator's stated total stands in for the floors (rows and bytes) and for nothing else: ceilings, keys, fill
rates, dates and the change against the last copy still hold. A total that is not met rejects, whoever states it.
A part saved by hand is not compared with the last whole copy: its size says nothing beside that one's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from pw_pipelines.snapshots import grading_dates
from pw_pipelines.snapshots.model import CheckResult, Grade, Origin, Snapshot
from pw_pipelines.snapshots.reading import CONTENT_DIGEST
from pw_pipelines.sources.contract import SourceContract
from pw_pipelines.sources.report import ReadReport

KEYS_SHOWN = 5
REJECTS_SHOWN = 3


@dataclass(frozen=True)
class Circumstances:
    """What is known about a copy beside its contents.

    size            bytes of the copy, of a gzip body those inside
    unpacked        bytes a reader would meet, members of a ZIP unpacked too; None: as `size`
    edition         the edition asked for, where the source has editions
    previous        the last complete copy of the whole list before this one, or None
    newest_fetched  the complete fetched copy with the newest as-of day (of the same edition), or None
    recalled        who took these very bytes back before, and why; None: nobody did
    earlier_digests SHA-256 of the bytes of every earlier good copy of this source -> its as-of day
    earlier_contents  digest of the rows of those copies, where it was taken -> as-of day
    expect_rows     the total an operator stated, `stated_by` whom
    mended          what the client had to say about the fetch, in words
    """

    as_of: date
    origin: Origin
    size: int
    digest: str
    unpacked: int | None = None
    edition: str | None = None
    previous: Snapshot | None = None
    newest_fetched: Snapshot | None = None
    earlier_digests: Mapping[str, date] = field(default_factory=dict)
    earlier_contents: Mapping[str, date] = field(default_factory=dict)
    recalled: str | None = None
    expect_rows: int | None = None
    stated_by: str | None = None
    mended: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """`reasons`: why it was not accepted first, then what to know although it was."""

    grade: Grade
    checks: tuple[CheckResult, ...]
    reasons: tuple[str, ...]
    proves_absence: bool


def grade(report: ReadReport, contract: SourceContract, about: Circumstances, unreadable: str | None = None) -> Verdict:
    """The verdict on one copy. `unreadable`: the reader's own sentence when it had to give up."""
    checks = [_readable(report, unreadable)]
    if unreadable is None:
        checks += _rows(report, contract, about)
        checks += _totals(report, about)
        checks += [_change(report, contract, about), _keys(report, contract), *_fill(report, contract)]
        checks.append(_rejects(report, contract))
        checks += grading_dates.checks(report, contract, as_of=about.as_of, origin=about.origin, edition=about.edition,
                                       previous=about.previous, newest_fetched=about.newest_fetched)  # fmt: skip
    checks += [*_bytes(report, contract, about), _unchanged(report, contract, about), _not_recalled(about)]

    failed = [check for check in checks if not check.passed]
    reasons = [check.reason for check in failed if check.severity == "error"]
    rejected = bool(reasons)
    reasons += [check.reason for check in failed if check.severity == "warn"]
    if about.expect_rows is not None and not rejected:
        reasons.append(_vouched(report, contract, about))
    reasons += [*about.mended, *report.notes]

    whole = report.proves_absence and report.rows >= contract.rows.min and about.size >= contract.bytes.min
    if whole and report.reject_count and not rejected:
        # Whoever stands in a record we could not read is not missing, and we do not know who that is.
        whole = False
        reasons.append(
            f"{_many(report.reject_count, 'record')} could not be read: absence from this copy proves nothing."
        )
    if whole and not rejected and (blind := _blind(report, contract)):
        whole = False
        reasons.append(blind)
    verdict: Grade = "complete"
    if rejected:
        verdict = "rejected"
    elif about.expect_rows is None and (not report.proves_absence or _is_saved_reply(report, contract, about)):
        verdict = "partial"
        reasons.append(f"{_kind_of_part(report, contract)} Its rows count, absence from it never.")
    return Verdict(
        grade=verdict,
        checks=tuple(checks),
        reasons=tuple(dict.fromkeys(reasons)),
        proves_absence=verdict == "complete" and whole and contract.absence is not None,
    )


def _kind_of_part(report: ReadReport, contract: SourceContract) -> str:
    if not report.proves_absence:
        return f"This is {report.layout or 'a copy'}, not the whole list."
    return (
        f"{_many(report.rows, 'row')} {'is' if report.rows == 1 else 'are'} fewer than the {contract.rows.min:,} that "
        "the whole list has at least by its contract, so this is taken as a part of it, such as one query's reply. If "
        f"it is the whole list, load it with --expect-rows {records(report)}."
    )


def _blind(report: ReadReport, contract: SourceContract) -> str | None:
    """Why a batch of look-ups that found (nearly) nothing says nothing: the site may be answering with empty pages."""
    if contract.absence is None or contract.absence.least_found is None:
        return None
    found, least = int(str(report.facts.get("found", 0))), contract.absence.least_found
    share = 100.0 * found / report.rows if report.rows else 0.0
    if found >= least.look_ups and share >= least.pct:
        return None
    return (
        f"{found:,} of {report.rows:,} look-ups found something ({share:.0f} %), against at least {least.look_ups} and "
        f"{least.pct:g} %: the site may be answering with empty pages, so an empty page of this batch proves nothing."
    )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def records(report: ReadReport) -> int:
    """Records met: rows read and records that could not be."""
    return report.rows + report.reject_count


def _readable(report: ReadReport, unreadable: str | None) -> CheckResult:
    if unreadable is not None:
        return CheckResult(
            "readable", False, "error", unreadable, f"{_many(report.rows, 'row')} until then", "the whole file"
        )
    return CheckResult(
        "readable", True, "error", f"read to its end: {_many(report.rows, 'row')}", f"{_many(report.rows, 'row')}"
    )


def _bytes(report: ReadReport, contract: SourceContract, about: Circumstances) -> Iterator[CheckResult]:
    bounds = contract.bytes
    yield CheckResult(
        "bytes_floor",
        about.size >= bounds.min or about.expect_rows is not None or _is_counted_part(report, contract, about),
        "error",
        f"{_many(about.size, 'byte')} against at least {bounds.min:,} ({bounds.healthy:,} on {bounds.seen})"
        + _stands_in(about.size >= bounds.min, about),
        f"{about.size:,}",
        f"at least {bounds.min:,}",
    )
    unpacked = about.size if about.unpacked is None else about.unpacked
    more = f", {_many(unpacked, 'byte')} unpacked" if unpacked > about.size else ""
    yield CheckResult(
        "bytes_ceiling",
        max(unpacked, about.size) <= bounds.max,
        "error",
        f"{_many(about.size, 'byte')}{more} against at most {bounds.max:,} ({bounds.healthy:,} on {bounds.seen})",
        f"{max(unpacked, about.size):,}",
        f"at most {bounds.max:,}",
    )


def _is_counted_part(report: ReadReport, contract: SourceContract, about: Circumstances) -> bool:
    """A copy that is no whole list and whose own stated total is met: surely all of what it says it is."""
    if report.control_total is None or report.control_total != records(report):
        return False
    return not report.proves_absence or _is_saved_reply(report, contract, about)


def _is_saved_reply(report: ReadReport, contract: SourceContract, about: Circumstances) -> bool:
    """Saved by hand, with fewer records than any whole list has, and all that it says it holds: one query's reply.

    A fetched copy is never one: we ask for the whole list, and a short one means that something is wrong.
    """
    return (
        about.origin == "ingested"
        and contract.change is not None
        and 0 < report.rows < contract.rows.min
        and report.control_total == records(report)
    )


def _stands_in(met: bool, about: Circumstances) -> str:
    if met or about.expect_rows is None:
        return ""
    return f"; the total stated by {about.stated_by} stands in for it"


def _rows(report: ReadReport, contract: SourceContract, about: Circumstances) -> Iterator[CheckResult]:
    bounds = contract.rows
    sentence = f"{_many(report.rows, 'row')} against at least {bounds.min:,} ({bounds.healthy:,} on {bounds.seen})"
    told_partial = _is_counted_part(report, contract, about)
    met = report.rows >= bounds.min or about.expect_rows is not None
    advice = ""
    if not met and not told_partial and report.rows:
        advice = (
            ". If the copy is known to hold only part of the list, ingest it with --expect-rows and the exact number "
            "of rows it must hold; who said so is recorded."
        )
    yield CheckResult(
        "rows_floor",
        met or told_partial,
        "error",
        sentence + (advice or _stands_in(report.rows >= bounds.min, about)),
        f"{report.rows:,}",
        f"at least {bounds.min:,}",
    )
    yield CheckResult(
        "rows_ceiling",
        report.rows <= bounds.max,
        "error",
        f"{_many(report.rows, 'row')} against at most {bounds.max:,} ({bounds.healthy:,} on {bounds.seen})",
        f"{report.rows:,}",
        f"at most {bounds.max:,}",
    )
    if bounds.min > 0 and report.rows == 0:
        yield CheckResult("rows_any", False, "error", "0 rows: the copy holds no record at all", "0", "at least 1")


def _totals(report: ReadReport, about: Circumstances) -> Iterator[CheckResult]:
    met = records(report)
    if report.control_total is not None:
        where = report.control_source or "the source"
        yield CheckResult(
            "control_total",
            met == report.control_total,
            "error",
            f"{_many(met, 'record')} against {report.control_total:,} stated by {where}",
            f"{met:,}",
            f"{report.control_total:,}",
        )
    if about.expect_rows is not None:
        yield CheckResult(
            "stated_total",
            met == about.expect_rows,
            "error",
            f"{_many(met, 'record')} against {about.expect_rows:,} stated by {about.stated_by}",
            f"{met:,}",
            f"{about.expect_rows:,}",
        )


def _change(report: ReadReport, contract: SourceContract, about: Circumstances) -> CheckResult:
    limits, previous = contract.change, about.previous
    if limits is None:
        return CheckResult(
            "change", True, "error", f"{_many(report.rows, 'row')}; a batch of look-ups has no fixed size"
        )
    limit = f"−{limits.shrink_pct:g} % … +{limits.growth_pct:g} %"
    ours = _many(report.rows, "row")
    if previous is None or previous.rows == 0:
        return CheckResult("change", True, "error", f"{ours}; no earlier whole copy to compare with",
                           f"{report.rows:,}", limit)  # fmt: skip
    if (about.origin == "ingested" and not report.proves_absence) or (
        about.expect_rows is None and _is_saved_reply(report, contract, about)
    ):
        return CheckResult("change", True, "error", f"{ours}: a part of the list, not compared with a whole copy")
    moved = 100.0 * (report.rows - previous.rows) / previous.rows
    return CheckResult(
        "change",
        -limits.shrink_pct <= moved <= limits.growth_pct,
        "error",
        f"{ours} against {previous.rows:,} on {previous.as_of} ({_signed(moved)} %, limits {limit})",
        f"{_signed(moved)} %",
        limit,
    )


def _signed(percent: float) -> str:
    return f"{percent:+.1f}".replace("-", "−")


def _keys(report: ReadReport, contract: SourceContract) -> CheckResult:
    doubled = report.duplicate_keys
    name = ", ".join(contract.key)
    shown = ", ".join(str(key) for key in doubled[:KEYS_SHOWN]) + (" …" if len(doubled) > KEYS_SHOWN else "")
    what = "value of {} stands" if len(doubled) == 1 else "values of {} stand"
    sentence = f"{len(doubled):,} {what.format(name)} more than once against 0 allowed"
    return CheckResult(
        "unique_keys", not doubled, "error", f"{sentence}: {shown}" if doubled else sentence, f"{len(doubled):,}", "0"
    )


def _fill(report: ReadReport, contract: SourceContract) -> Iterator[CheckResult]:
    if report.rows == 0:
        return
    for column, least in contract.required_fill_pct.items():
        share = 100.0 * report.filled[column] / report.rows
        yield CheckResult(
            f"fill_{column}",
            share >= least,
            "error",
            f"{column} is filled in {share:.1f} % of {report.rows:,} rows against at least {least:g} %",
            f"{share:.1f} %",
            f"at least {least:g} %",
        )


def _rejects(report: ReadReport, contract: SourceContract) -> CheckResult:
    share = 100.0 * report.reject_count / records(report) if records(report) else 0.0
    sentence = (
        f"{report.reject_count:,} of {records(report):,} records could not be read "
        f"({share:.2f} %, limit {contract.max_reject_pct:g} %)"
    )
    if report.rejects:
        sentence += ": " + "; ".join(f"line {one.line}: {one.reason}" for one in report.rejects[:REJECTS_SHOWN])
    # A few unreadable records are within the promise, but never silent: the check then warns.
    within = share <= contract.max_reject_pct
    return CheckResult(
        "reject_rate",
        within and not report.reject_count,
        "warn" if within else "error",
        sentence,
        f"{share:.2f} %",
        f"at most {contract.max_reject_pct:g} %",
    )


def too_large(contract: SourceContract, unpacked: int) -> str | None:
    """Why a copy of so many unpacked bytes is not even opened; None when it may be."""
    if unpacked <= contract.bytes.max:
        return None
    return (
        f"Not read: it has more than {contract.bytes.max:,} bytes when unpacked, which is no {contract.title}. "
        "If the source really grew, raise bytes.max in its contract."
    )


def _unchanged(report: ReadReport, contract: SourceContract, about: Circumstances) -> CheckResult:
    seen, same = about.earlier_digests.get(about.digest), "byte for byte the same as the copy of"
    if seen is None:
        seen = about.earlier_contents.get(str(report.facts.get(CONTENT_DIGEST)))
        same = "other bytes, but row for row the same as the copy of"
    if seen is None:
        return CheckResult("unchanged", True, "warn", "bytes and rows differ from every earlier good copy")
    same = f"{same} {seen}"
    if contract.absence is None or not contract.absence.distinct_bytes:
        return CheckResult("unchanged", True, "warn", f"{same}, as this source does between editions", str(seen))
    return CheckResult(
        "unchanged",
        False,
        "warn",
        f"{same}: the source may be serving an old copy; both together count as one sighting of an absence",
        str(seen),
        "new rows",
    )


def _not_recalled(about: Circumstances) -> CheckResult:
    if about.recalled is None:
        return CheckResult("not_recalled", True, "error", "nobody took these bytes back before")
    return CheckResult("not_recalled", False, "error", f"the same bytes were recalled by {about.recalled}")


def _vouched(report: ReadReport, contract: SourceContract, about: Circumstances) -> str:
    floor = "" if report.rows >= contract.rows.min else f" in place of the floor of {contract.rows.min:,}"
    return (
        f"{_many(about.expect_rows or 0, 'record')} stated by {about.stated_by}{floor}, and there"
        + ("; absence from this copy proves nothing" if floor else "")
        + "."
    )
