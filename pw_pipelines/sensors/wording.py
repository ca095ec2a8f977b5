"""Reasons as alerts may tell them: the first sentence, with nothing in it that could be somebody's data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pw_pipelines import errors

if TYPE_CHECKING:
    import dagster as dg
    from dagster_shared.error import SerializableErrorInfo

ASSET_JOB = "__ASSET_JOB"  # Dagster's name for "these assets, asked for by hand"
MOST = 220  # characters of a sentence; what is sent goes to a phone
_NAMED = 3
_OURS = frozenset(name for name, value in vars(errors).items() if isinstance(value, type))
_WRAPPERS = {None, "Failure", "DagsterExecutionStepExecutionError"}
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9`])")
# A reader quotes a cell between quotation marks; an address or a number may stand anywhere.
_QUOTED = re.compile(r"(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\"|“[^”\n]*”|‘[^’\n]*’")
_MAIL = re.compile(r"[^\s<>@,;:]+@[^\s<>@,;:]*\w")
_PHONE = re.compile(r"(?:\+?1[\s.-]?)?\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}(?!\d)")


def discreet(text: str) -> str:
    """The first sentence of a reason, with quoted cells, mail addresses and telephone numbers left out."""
    blank = _QUOTED.sub("‹…›", text.replace("\\'", "’").replace('\\"', "”"))
    blank = _PHONE.sub("‹…›", _MAIL.sub("‹…›", blank))
    sentence = " ".join(_END.split(blank.strip(), maxsplit=1)[0].split())
    if len(sentence) > MOST:
        sentence = f"{sentence[:MOST].rsplit(' ', 1)[0]} …"
    return sentence if not sentence or sentence[-1] in ".!?…" else f"{sentence}."


def work(run: dg.DagsterRun) -> str:
    """What a run was for: its job, or the assets that were asked for by hand."""
    if run.job_name != ASSET_JOB:
        return run.job_name
    assets = sorted(key.to_user_string() for key in run.asset_selection or ())
    return f"materialization of {listed(assets)}" if assets else "materialization of assets"


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def cause(events: Iterable[dg.DagsterEvent]) -> str:
    """The first sentence of why a step failed, from its failure events; empty where only a stranger's text says it.

    Told are our own errors' sentences and the names of checks that stopped a run. Of any other exception only its kind
    is: its text may hold whatever the program was reading.
    """
    for event in events:
        failed = event.step_failure_data
        own = failed.user_failure_data
        links = list(_chain(failed.error))
        for link in links:
            if link.cls_name in _OURS:
                return discreet(_text(link))
        kinds = [link.cls_name for link in links if link.cls_name not in _WRAPPERS]
        if own is not None and own.description and not kinds:
            return discreet(own.description)
        if kinds:
            stopped = kinds[0] == "DagsterAssetCheckFailedError"
            return "A check that must pass did not." if stopped else f"{kinds[-1]}: see the run."
    return ""


def _chain(error: SerializableErrorInfo | None) -> Iterable[SerializableErrorInfo]:
    while error is not None:
        yield error
        error = error.cause or error.context


def _text(error: SerializableErrorInfo) -> str:
    """The message without the class before it."""
    return error.message.partition(": ")[2] or error.message
