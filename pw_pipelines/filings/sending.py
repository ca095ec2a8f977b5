"""Keeps the browser from sending a filing twice by itself.

Chromium sends a request again, a POST too, when a kept-alive connection ends before the answer begins, and no page or
script learns of it. A portal that took the filing and then lost the connection would so get it twice. Therefore, once
the submit is about to be pressed, requests that may file go out by another client that never repeats one, and the
very same request is not let through a second time.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pw_pipelines import faults

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Route

ANSWER_SECONDS = 80.0


def send_once_only(context: BrowserContext) -> None:
    """From now on each request of this context that may change anything is sent at most once."""
    sent: set[str] = set()

    def pass_on(route: Route) -> None:
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
        sent.add(what)
        try:
            answer = route.fetch(max_redirects=0, max_retries=0, timeout=ANSWER_SECONDS * 1000)
        except Error:
            route.abort("connectionclosed")
            return
        faults.point("filings.submit.answered")
        route.fulfill(response=answer)

    context.route("**/*", pass_on)
