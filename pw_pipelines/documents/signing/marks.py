"""The mark a signer makes: their name typed, or drawn as strokes on a pad."""

from __future__ import annotations

import re
from typing import Literal

from pw_pipelines.errors import UsageError

Point = tuple[int, int]
Strokes = tuple[tuple[Point, ...], ...]
Kind = Literal["typed", "drawn"]
PAD = (1000, 320)  # units of the pad, left to right and top to bottom
LONGEST = 7_000  # characters
LEAST_POINTS = 8
_POINT = r"\d{1,4},\d{1,4}"
_STROKES = re.compile(rf"{_POINT}(?: {_POINT})*(?:;{_POINT}(?: {_POINT})*)*", re.ASCII)


def strokes_of(text: str) -> Strokes:
    """Strokes from `x,y x,y;x,y …` in units of PAD; none from a blank text.

    Raises UsageError for anything else, for points off the pad and for a drawing that is no more than a dot.
    """
    text = text.strip()
    if not text:
        return ()
    if len(text) > LONGEST or _STROKES.fullmatch(text) is None:
        raise UsageError("The drawing could not be read. Clear it and draw again, or sign with your typed name.")
    strokes = tuple(
        tuple((int(x), int(y)) for x, y in (point.split(",") for point in stroke.split(" ")))
        for stroke in text.split(";")
    )
    points = [point for stroke in strokes for point in stroke]
    if any(x > PAD[0] or y > PAD[1] for x, y in points):
        raise UsageError("The drawing could not be read. Clear it and draw again, or sign with your typed name.")
    wide = max(x for x, _ in points) - min(x for x, _ in points)
    high = max(y for _, y in points) - min(y for _, y in points)
    if len(set(points)) < LEAST_POINTS or max(wide, high) < PAD[1] // 8:
        raise UsageError("The drawing is too small to be a signature. Clear it and draw again, or leave it empty.")
    return strokes
