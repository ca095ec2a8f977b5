"""The questions every copy is asked, named as the grader names its checks: one asset check each.

Dagster wants to know the checks before a copy exists. tests/dagster/test_checks.py holds this list against the
grader's own, so that a new question there cannot stay invisible here.
"""

from __future__ import annotations

from pw_pipelines.sources.contract import SourceContract

FILL = "fill_"

ALWAYS: dict[str, str] = {
    "readable": "The copy can be read to its end: right header, encoding and shape, not cut short.",
    "bytes_floor": "It is not smaller than the contract allows.",
    "bytes_ceiling": "It is not larger than the contract allows.",
    "rows_any": "It holds any record at all.",
    "rows_floor": "It has at least the rows of a healthy copy, or a total somebody vouches for.",
    "rows_ceiling": "It has no more rows than the contract allows.",
    "control_total": "It has as many records as the source itself says.",
    "stated_total": "It has as many records as an operator said it must.",
    "change": "It has not shrunk or grown beyond the limits since the last whole copy.",
    "unique_keys": "No key stands in it twice.",
    "reject_rate": "Few records in it could not be read; any at all is told.",
    "clock": "It is not fetched before the newest copy we have.",
    "edition": "It is the edition that was asked for.",
    "vintage_not_older": "The source's own date has not gone backwards.",
    "newest_not_older": "The newest date inside has not gone backwards.",
    "newest_not_in_future": "Nothing inside is newer than the copy.",
    "newest_recent": "The newest date inside is recent enough.",
    "not_recalled": "Nobody took these very bytes back before.",
    "unchanged": "Its rows differ from those of every earlier copy, where the source changes daily.",
}


def questions(promise: SourceContract) -> dict[str, str]:
    """Check name -> what it asks, for one source: the common ones, and one per column that must be filled."""
    filled = {
        f"{FILL}{column}": f"{column} is filled in at least {least:g} % of the rows."
        for column, least in promise.required_fill_pct.items()
    }
    return {**ALWAYS, **filled}
