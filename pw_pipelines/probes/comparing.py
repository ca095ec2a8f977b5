"""What was seen of a selector against what it last stood on: its state, and what changed as sentences. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pw_pipelines.filings.sights import Sight, Traits

State = Literal["stands", "missing", "many", "other"]
STATES: dict[State, str] = {
    "stands": "stands",
    "missing": "is gone",
    "many": "fits more than one",
    "other": "fits something else",
}
_PRESSED = ("button", "submit", "a")


@dataclass(frozen=True)
class Verdict:
    """state, and the sentences that say why it is not `stands`."""

    state: State
    changes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the selector may be used."""
        return self.state == "stands"


def judge(sight: Sight, stood_on: Traits | None) -> Verdict:
    """The state of a selector. stood_on: what it last stood on; None: it never stood, so only what can be told without
    memory counts."""
    use = sight.use
    if use.meant == "fields":
        return Verdict("other", sight.wrong) if sight.wrong else Verdict("stands")
    if sight.found == 0:
        return Verdict("missing", (f"{use.name} fits nothing any more.{_was(stood_on)}",))
    if sight.found > 1 and use.meant == "control":
        return Verdict("many", (f"{use.name} fits {sight.found} elements, where it fitted one.",))
    changes = list(sight.wrong)
    if use.meant in ("control", "group") and stood_on is not None and sight.traits is not None:
        said = {one.split(": ", 1)[-1] for one in changes}
        changes += [f"{use.name}: {one}" for one in differences(stood_on, sight.traits) if one not in said]
    return Verdict("other", tuple(changes)) if changes else Verdict("stands")


def differences(before: Traits, now: Traits) -> list[str]:
    """What another element is like, as sentences: old → new. Numbers in labels (years, amounts) may change."""
    found: list[str] = []
    if before.tag != now.tag:
        found.append(f"what was {_kind(before)} is now {_kind(now)}.")
    elif before.type != now.type:
        found.append(f"its type changed: {_told(before.type)} → {_told(now.type)}.")
    if _plain(before.label) != _plain(now.label):
        found.append(f"its label changed: {_told(before.label)} → {_told(now.label)}.")
    if before.name != now.name and before.tag not in _PRESSED:
        found.append(f"its name changed: {_told(before.name)} → {_told(now.name)}.")
    if before.role != now.role:
        found.append(f"its role changed: {_told(before.role)} → {_told(now.role)}.")
    if before.choices != now.choices:
        found.append(f"its choices changed: {_told(before.choices)} → {_told(now.choices)}.")
    if now.required and not before.required:
        found.append("it must be filled in now, and had not to be.")
    return found


def _was(stood_on: Traits | None) -> str:
    if stood_on is None:
        return " It was never seen to stand."
    return f" It stood on {_kind(stood_on)}{f' labelled {_told(stood_on.label)}' if stood_on.label else ''}."


def _kind(traits: Traits) -> str:
    if traits.tag == "input":
        return f"a field of type {traits.type or 'text'}"
    return {"select": "a list to choose from", "textarea": "a field of several lines", "button": "a button",
            "a": "a link"}.get(traits.tag, f"an element <{traits.tag}>")  # fmt: skip


def _told(text: str) -> str:
    return f"“{text[:80]}”" if text else "none"


def _plain(label: str) -> str:
    """Case, blanks, marks and numbers make no other label."""
    return re.sub(r"\d+", "#", re.sub(r"[\W_]+", " ", label)).strip().casefold()
