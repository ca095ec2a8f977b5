"""The first look at a stream, and the counts that a source states."""

from __future__ import annotations

import os

import pytest

from pw_pipelines.errors import SourceRejected
from pw_pipelines.sources.body import MOST_COUNTED, counted, peek


def test_a_stream_that_can_be_read_only_once_is_refused() -> None:
    out, into = os.pipe()
    with os.fdopen(out, "rb") as raw, os.fdopen(into, "wb"), pytest.raises(SourceRejected, match="no regular file"):
        peek(raw)


@pytest.mark.parametrize(
    ("digits", "count"),
    [
        ("0", 0),
        ("0000007", 7),
        ("0" * 5_000 + "7", 7),
        (str(MOST_COUNTED), MOST_COUNTED),
        (str(MOST_COUNTED + 1), None),
        ("9" * 25, None),
        ("9" * 5_000, None),
    ],
)
def test_a_count_is_one_up_to_what_a_register_may_have(digits: str, count: int | None) -> None:
    assert counted(digits) == count
