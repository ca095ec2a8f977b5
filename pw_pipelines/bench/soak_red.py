"""What is red in a house, and which thing broken on purpose explains it. Pure: no house is needed to judge.

Each red thing has a name, `<kind> <what>`: `run acquire`, `alert run:acquire`, `check core/fcc_rmd:graded`,
`gate error:rmd_filing`, `effect unknown:filing`, `unsent alerts`. A cause names beforehand, by patterns over whole
names, what it may redden (`may`) and what it must (`must`), and on which days.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

NOTICES = frozenset({"order"})  # kinds of alerts that tell good news
_RUN_ID = re.compile(r"run:([0-9a-f-]{36})")


@dataclass(frozen=True)
class Red:
    """One red thing of a day. `words`: what the house itself says of it."""

    name: str
    words: str = ""


@dataclass(frozen=True)
class Cause:
    """One thing broken on purpose. `first` to `last`: days (1 is the first of the week) on which it explains; the
    last is the day after it was mended, where a later look still finds it. `may` includes what `must` says."""

    name: str
    words: str
    first: int
    last: int
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()

    def explains(self, red: Red, day: int) -> bool:
        """Whether `red`, seen on `day`, is of this cause."""
        patterns = (*self.must, *self.may)
        return self.first <= day <= self.last and any(re.fullmatch(one, red.name) for one in patterns)

    def missing(self, seen: Collection[str]) -> list[str]:
        """What had to turn red by this cause and is not among the names `seen` on its days."""
        return [one for one in self.must if not any(re.fullmatch(one, name) for name in seen)]


@dataclass(frozen=True)
class Judged:
    """A day's red things: by the cause that explains them, and those nothing explains."""

    explained: Mapping[str, Sequence[Red]]
    unexplained: Sequence[Red]


def judged(reds: Iterable[Red], causes: Sequence[Cause], day: int) -> Judged:
    """Each red thing goes to the first cause that explains it."""
    explained: dict[str, list[Red]] = {}
    unexplained = []
    for red in reds:
        cause = next((one for one in causes if one.explains(red, day)), None)
        if cause is None:
            unexplained.append(red)
        else:
            explained.setdefault(cause.name, []).append(red)
    return Judged(explained, unexplained)


def not_reddened(causes: Iterable[Cause], seen: Mapping[int, Collection[str]], *, until: int) -> list[str]:
    """Sentences on what a cause had to redden and did not. seen: day -> names of its red things. A cause whose days
    are not over by the day `until` is not judged by what its last day would have brought."""
    said = []
    for cause in causes:
        if cause.first > until:
            continue
        names = {name for day, found in seen.items() if cause.first <= day <= cause.last for name in found}
        said += [f"{cause.name}: {one} was expected and did not come" for one in cause.missing(names)]
    return said


def alert_name(key: str, jobs: Mapping[str, str]) -> str:
    """An alert by what it is about: a run by its job, because its id says nothing. jobs: run id -> job."""
    about = _RUN_ID.fullmatch(key)
    return f"alert run:{jobs.get(about[1], 'unknown')}" if about else f"alert {key}"
