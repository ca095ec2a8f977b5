"""Which other selector may be meant, where one fits nothing any more. Shown to the person who mends the file. Pure.

Searched is the element that is most like the one the selector last stood on: its label, its name, its kind, its place
between its neighbours. Nothing here is ever used to fill in or to press anything.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from pw_pipelines.filings.sights import Control, Traits, Use

LEAST = 0.45
MARGIN = 0.08  # by which the best must be better than the next
_LABEL, _NAME, _ID, _KIND, _PLACE = 0.40, 0.20, 0.10, 0.14, 0.08


@dataclass(frozen=True)
class Candidate:
    """selector: fits one element of the page; score: 0 to 1; why: in what it is like the old one."""

    selector: str
    score: float
    why: tuple[str, ...]
    label: str
    html: str

    def as_detail(self) -> dict[str, object]:
        """For the books."""
        return {"selector": self.selector, "score": self.score, "why": list(self.why), "label": self.label,
                "html": self.html}  # fmt: skip


def candidate(
    use: Use, stood_on: Traits | None, controls: Sequence[Control], ours: Collection[str]
) -> Candidate | None:
    """The element most like `stood_on`, when it is plainly the most like; None otherwise.

    ours: selectors that stand, whose elements are not looked for.
    """
    if stood_on is None or use.meant not in ("control", "group"):
        return None
    free = [one for one in controls if one.selector and not set(one.taken) & set(ours)]
    scored = sorted((_scored(stood_on, one) for one in free), key=lambda one: -one.score)
    if not scored or scored[0].score < LEAST:
        return None
    if len(scored) > 1 and scored[0].score - scored[1].score < MARGIN:
        return None
    return scored[0]


def _scored(before: Traits, control: Control) -> Candidate:
    now, score, why = control.traits, 0.0, []
    if before.label and now.label:
        alike = fuzz.token_sort_ratio(before.label.casefold(), now.label.casefold()) / 100
        if alike >= 0.6:
            score += _LABEL * alike
            why.append("the same label" if alike > 0.99 else f"a label like it, “{now.label[:60]}”")
    if before.name and now.name:
        alike = fuzz.ratio(before.name.casefold(), now.name.casefold()) / 100
        if alike >= 0.6:
            score += _NAME * alike
            why.append("the same name" if alike > 0.99 else f"a name like it, {now.name}")
    if before.id and before.id == now.id:
        score += _ID
        why.append("the same id")
    if (before.tag, before.type, before.role) == (now.tag, now.type, now.role):
        score += _KIND
        why.append("the same kind")
    elif before.tag == now.tag:
        score += _KIND / 2
    for side, was, is_now in (("before", before.before, now.before), ("after", before.after, now.after)):
        if was and was == is_now:
            score += _PLACE * 2
            why.append(f"the same field {side} it")
    return Candidate(control.selector, round(min(score, 1.0), 2), tuple(why), now.label, now.html)
