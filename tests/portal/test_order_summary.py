"""What the items of a paid order say together."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pw_pipelines.portal.order_summary import IN_WORK, Stand, summary_of


@pytest.mark.parametrize(
    ("stands", "words"),
    [
        (["us"], "Being worked on"),
        (["details", "agency", "signature"], "Waiting for your details"),
        (["done", "signature"], "Waiting for a signature"),
        (["agency", "done"], "With the agency"),
        (["agency", "us"], "Being worked on"),
        (["person", "done"], "A person of ours is looking at it"),
        (["done", "done"], "Done"),
        (["done", "ended"], "Done"),
    ],
)
def test_what_asks_something_of_the_customer_is_said_first(stands: Sequence[Stand], words: str) -> None:
    for status in IN_WORK:
        summary = summary_of(status, stands)
        assert summary is not None and summary.words == words


def test_of_several_services_it_is_said_how_many_stand_where() -> None:
    several = summary_of("processing", ["done", "details", "us", "us"])
    assert several is not None
    assert several.services == "Of 4 services, 1 waits for your details, 2 are being worked on, 1 is done."
    single = summary_of("processing", ["details"])
    assert single is not None and single.services == ""


@pytest.mark.parametrize("status", ["received", "held", "delivered", "refunded", "cancelled"])
def test_where_the_orders_own_status_says_more_the_items_are_not_asked(status: str) -> None:
    assert summary_of(status, ["us"]) is None
