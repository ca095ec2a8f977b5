"""Keeps the browser from sending a filing twice by itself.

Chromium sends a request again, a POST too, when a kept-alive connection ends before the answer begins, and no page or
script learns of it. A portal that took the filing and then lost the connection would so get it twice. Therefore, once
the submit is about to be pressed, requests that may file go out by another client that never repeats one, and the
very same request is not let through a second time.

A machine that was suspended between the last look at the books and the request sends nothing when it wakes: somebody
else may have filed the same meanwhile.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from typing import TYPE_CHECKING

from pw_pipelines import faults

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Route

ANSWER_SECONDS = 80.0
# From the last look at the books, or the portal's last answer, to the next request. A page takes a second or two.
AT_ONCE_SECONDS = 45.0


def send_once_only(context: BrowserContext, *, looked_at: float) -> list[Exception]:
    """From now on each request of this context that may change anything is sent at most once, and at once or never.

    looked_at: the moment of the last look at the books, of boot_seconds. What breaks while a request is passed on is
    added to the list that is returned, and the page is told that its request failed: raised inside Playwright it may
    be lost, and whoever waits for the answer would wait for ever.
    """
    sent: set[str] = set()
    broke: list[Exception] = []

    def pass_on(route: Route) -> None:
        from playwright.sync_api import Error

        try:
            pass_on_once(route)
        except Exception as error:  # noqa: BLE001  # told below, where somebody can act on it
            broke.append(error)
            with contextlib.suppress(Error):
                route.abort("failed")

    def pass_on_once(route: Route) -> None:
        nonlocal looked_at
        from playwright.sync_api import Error

        request = route.request
        if request.method in ("GET", "HEAD", "OPTIONS") and not (request.is_navigation_request() and not sent):
            route.fallback()
            return
        body = request.post_data_buffer or b""
        what = hashlib.sha256(b"\0".join([request.method.encode(), request.url.encode(), body])).hexdigest()
        if what in sent:
            route.abort("blockedbyclient")
            return
        if boot_seconds() - looked_at > AT_ONCE_SECONDS:
            route.abort("timedout")
            return
        sent.add(what)
        try:
            answer = route.fetch(max_redirects=0, max_retries=0, timeout=ANSWER_SECONDS * 1000)
        except Error:
            route.abort("connectionclosed")
            return
        looked_at = boot_seconds()
        faults.point("filings.submit.answered")
        route.fulfill(response=answer)

    context.route("**/*", pass_on)
    return broke


def boot_seconds() -> float:
    """Seconds, those of a suspended machine too where it counts them. Linux' monotonic clock does not."""
    which = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if which is None else time.clock_gettime(which)
