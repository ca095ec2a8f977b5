"""The stand-in's inbox pages."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

import httpx
import pytest

from pw_pipelines.fulfillment.mails import compose
from pw_pipelines.resources.mail import Mail
from pw_pipelines.sandbox.world import World
from tests.after.conftest import PostOffice
from tests.fixtures_sandbox import serving

TO = "officer@northern-telephone.example"


@pytest.fixture
def browser(post_office: PostOffice, world: World) -> Iterator[httpx.Client]:
    with serving(post_office.settings, world) as url, httpx.Client(base_url=url) as client:
        yield client


def test_a_mail_is_shown_with_its_attachments_and_can_do_nothing_in_the_page(
    post_office: PostOffice, browser: httpx.Client
) -> None:
    assert "No mail yet." in browser.get("/mail/").text
    made = compose(
        post_office.settings, to=TO, subject="Your <b>filing</b>", text="See https://example.com/a?b=1.",
        html="<p>Bold</p><script>alert(1)</script>", attachments=[("Certificate.pdf", "application/pdf", b"%PDF-1.7")],
        message_id="<a@performancewest.net>", timestamp=time.time(),
    )  # fmt: skip
    Mail(post_office.settings).send(made)

    front = browser.get("/mail/").text
    assert "Your &lt;b&gt;filing&lt;/b&gt;" in front and TO in front and "1 attachment" in front
    assert "archive@" not in front, "the archive is ours, not a customer's"
    (told,) = browser.get("/mail/messages", params={"to": TO}).json()["messages"]
    assert told["attachments"] == [
        {"name": "Certificate.pdf", "media_type": "application/pdf", "bytes": 8,
         "sha256": hashlib.sha256(b"%PDF-1.7").hexdigest()}
    ]  # fmt: skip
    assert told["message_id"] == "<a@performancewest.net>" and told["text"].startswith("See https://example.com/a?b=1.")

    assert "Certificate.pdf" in browser.get(f"/mail/read/{told['name']}").text
    body = browser.get(f"/mail/body/{told['name']}")
    assert "Bold" in body.text and "sandbox" in body.headers["Content-Security-Policy"]
    file = browser.get(f"/mail/attachment/{told['name']}/0")
    assert file.content == b"%PDF-1.7" and file.headers["content-type"] == "application/pdf"
    assert browser.get(f"/mail/attachment/{told['name']}/7").status_code == 404
    assert browser.get("/mail/read/..%2F..%2Fetc").status_code == 404
