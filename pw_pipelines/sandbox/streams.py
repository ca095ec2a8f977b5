"""Deterministic chance: one independent stream per (seed, subject, index, year).

Only `Random.random()` is used, whose sequence Python keeps stable across versions and processes; nothing here
depends on hash(), on the wall clock, or on the order in which the world is asked about.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from datetime import date
from enum import IntEnum
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")
Draw = Callable[[], float]


class Subject(IntEnum):
    """What a stream is about. Numbers are part of the world: never renumber, only add."""

    POPULATION = 1
    CARRIER = 2
    RMD = 3
    RECERTIFICATION = 4
    FORM499 = 5
    FORM499_CYCLE = 6
    CPNI_UNIT = 7
    CPNI_YEAR = 8
    BDC = 9
    CORES = 10
    GROUP = 11
    NAMES = 12
    REMOVAL = 13
    PERSON = 14


def stream(seed: int, subject: Subject, index: int = 0, year: int = 0) -> Draw:
    """The stream of one subject: a function giving floats in [0, 1)."""
    return Random((seed << 80) | (int(subject) << 64) | (index << 16) | year).random  # noqa: S311


def pick(draw: Draw, items: Sequence[T]) -> T:
    """One of `items`, each as likely."""
    return items[int(draw() * len(items))]


def between(draw: Draw, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + int(draw() * (high - low + 1))


class Weighted(Generic[T]):
    """Items with weights, prepared once: `Weighted((("a", 3), ("b", 1))).draw(draw)`."""

    def __init__(self, items: Sequence[tuple[T, float]]) -> None:
        self._items = [item for item, _ in items]
        self._sums = list(accumulate(weight for _, weight in items))

    @cached_property
    def total(self) -> float:
        return self._sums[-1]

    def draw(self, draw: Draw) -> T:
        return self._items[bisect(self._sums, draw() * self.total)]


def day(year: int, month: int, dom: int) -> int:
    """A day as its proleptic ordinal: days are plain numbers inside the world, because there are many."""
    return date(year, month, dom).toordinal()


Spans = Weighted[tuple[int, int]]


def spans(*weighted: tuple[date, date, float]) -> Spans:
    """Days spread over spans: (first, last, weight). Draw with `day_in`."""
    return Weighted([((first.toordinal(), last.toordinal()), weight) for first, last, weight in weighted])


def day_in(draw: Draw, choices: Spans) -> int:
    """A day (ordinal) from a span chosen by weight."""
    first, last = choices.draw(draw)
    return between(draw, first, last)
