"""The one browser of a process: who waits for it gets an answer, whatever becomes of it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psutil
import pytest

from pw_pipelines.filings.browsers import Browsers, BrowserStuck

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def hasty() -> Iterator[Browsers]:
    made = Browsers(rest_seconds=0.1, stuck_seconds=6.0)
    yield made
    made.close()


@pytest.fixture
def patient() -> Iterator[Browsers]:
    made = Browsers(rest_seconds=0.1, stuck_seconds=60.0)
    yield made
    made.close()


def never_ends(browser: Browser) -> None:
    browser.new_page().evaluate("new Promise(() => {})")


def title(browser: Browser) -> str:
    page = browser.new_page()
    page.set_content("<title>there</title>")
    return page.title()


def drivers() -> list[psutil.Process]:
    """Those of this process that live."""
    found = []
    for one in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if any("playwright" in word for word in one.cmdline()):
                found.append(one)
    return found


def test_a_visit_that_does_not_end_is_killed_and_the_next_gets_a_browser(hasty: Browsers) -> None:
    before = {one.pid for one in drivers()}
    begun = time.monotonic()
    with pytest.raises(BrowserStuck, match="6 s"):
        hasty.run(never_ends)
    assert time.monotonic() - begun < 12
    assert hasty.run(title) == "there"
    hasty.close()
    assert {one.pid for one in drivers()} <= before


def test_who_waits_behind_it_is_told_that_nothing_was_begun(hasty: Browsers) -> None:
    told: list[BaseException] = []
    begun: list[str] = []

    def visit(work: object) -> None:
        try:
            hasty.run(work)  # type: ignore[arg-type]
        except BrowserStuck as stuck:
            told.append(stuck)

    first = threading.Thread(target=visit, args=(never_ends,))
    first.start()
    time.sleep(2.0)
    second = threading.Thread(target=visit, args=(lambda _browser: begun.append("second"),))
    second.start()
    for one in (first, second):
        one.join(20)
    assert len(told) == 2 and begun == []
    assert any("did not begin" in str(one) for one in told)


def test_a_works_own_timeout_is_the_works_own(patient: Browsers) -> None:
    def late(_browser: Browser) -> None:
        raise TimeoutError("of the work")

    with pytest.raises(TimeoutError, match="of the work"):
        patient.run(late)
