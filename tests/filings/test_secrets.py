"""A social security number goes into its field and nowhere else: no picture's text, HTML, trace, digest or message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pw_pipelines.filings.browsers import Browsers
from pw_pipelines.filings.engine import FilingEngine
from pw_pipelines.filings.masking import MARK, scrub, take
from pw_pipelines.filings.material import Filed, Filled, Material, Shot
from pw_pipelines.filings.portal import Portal, parse_portal
from pw_pipelines.settings import Settings
from tests.served import served

SSN = "912-34-5678"
PORTAL = r"""
portal: ssn_office
title: Office that asks for numbers
url: https://ssn.example
terms: {automation: allowed, source: a stand-in of the tests}
read_in: this test
verified: null
timeout_seconds: 5
forms:
  apply:
    title: Application
    signed_in: false
    steps:
      - {do: open, to: /apply}
      - {do: page, name: Person, fields: [name, ssn]}
      - {do: fill, at: '[name=name]', value: '{responsible_party}'}
      - {do: fill, at: '[name=ssn]', value: '{responsible_ssn}', compare: digits}
      - {do: next, at: '#next', says: '^Next$', until: {selector: '#summary'}}
      - {do: page, name: Summary, fields: [sure]}
      - {do: check, at: '[name=sure]'}
      - {do: submit, at: '#send', says: '^Send$'}
    confirmation: {success: {selector: '#done'}, number: {selector: '#number'}}
    lookup: null
"""
FORM = r"""<form action=/review method=post><input name=name><input name=ssn
  oninput="this.value = this.value.replace(/\D/g, '').replace(/(...)(..)(....)/, '$1 $2 $3')">
  <button id=next>Next</button>"""
REVIEW = """<body style="font: 20px monospace; margin: 40px"><div id=summary><p>Name: {name}</p>
  <p id=split>SSN: <b>{a}</b>-<i>{b}</i>-{c}</p><p title="{ssn}">kept</p>
  <input type=hidden name=h value="{ssn}"></div><form action=/send method=post>
  <input type=checkbox name=sure><button id=send>Send</button></form><script>const ssn = "{ssn}"</script>"""


@dataclass
class Office:
    """What the office was sent."""

    url: str = ""
    given: list[str] = field(default_factory=list)

    async def form(self, request: Request) -> Response:
        return HTMLResponse(FORM)

    async def review(self, request: Request) -> Response:
        sent = await request.form()
        ssn = str(sent["ssn"]).replace(" ", "-")
        self.given.append(ssn)
        a, b, c = ssn.split("-")
        return HTMLResponse(REVIEW.format(name=sent["name"], a=a, b=b, c=c, ssn=ssn.replace("-", "")))

    async def send(self, request: Request) -> Response:
        return HTMLResponse(f"<div id=done>Thank you, {self.given[-1]}</div><b id=number>N-1</b>")


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    office = Office()
    routes = [
        Route("/apply", office.form), Route("/review", office.review, methods=["POST"]),
        Route("/send", office.send, methods=["POST"]),
    ]  # fmt: skip
    with served(Starlette(routes=routes)) as office.url:
        yield office


@pytest.fixture
def material() -> Material:
    portal: Portal = parse_portal(PORTAL, file="ssn_office.yaml")
    values = {"responsible_party": "Robin Example", "responsible_ssn": SSN}
    return Material(portal, "apply", f"ein:{datetime.now(UTC):%s}", values, {}, b"salt of this item")


def engine(office: Office, browsers: Browsers) -> FilingEngine:
    return FilingEngine(Settings(portal_urls={"*": "unused", "ssn_office": office.url}), browsers=browsers)


def written(filled: Filled, filed: Filed, *more: bytes) -> bytes:
    shots: list[Shot] = [*filled.shots, *filed.shots]
    return b"\n".join([filled.content, filled.trace, filed.trace, *(shot.html for shot in shots), *more])


def test_the_number_is_sent_and_kept_nowhere(office: Office, browsers: Browsers, material: Material) -> None:
    ours = engine(office, browsers)
    filled = ours.fill(material)
    filed = ours.file(material, may_send=lambda _: None)
    assert (office.given[-1], filed.reference) == (SSN, "N-1")
    kept = written(filled, filed)
    for spelling in (SSN, SSN.replace("-", ""), SSN.replace("-", " ")):
        assert spelling.encode() not in kept
    assert b"Robin Example" in kept
    assert SSN not in repr(material) + repr(filled) + repr(filed)


def test_the_form_with_another_number_is_another_form(office: Office, browsers: Browsers, material: Material) -> None:
    """Approved is the form with this very number, although the number stands nowhere in what is kept."""
    from dataclasses import replace

    ours = engine(office, browsers)
    other = replace(material, values={**material.values, "responsible_ssn": "912-34-5679"})
    salted = replace(material, salt=b"salt of another item")
    digests = {ours.fill(one).digest for one in (material, other, salted)}
    assert len(digests) == 3


def test_a_picture_shows_none_of_it(office: Office, browsers: Browsers) -> None:
    """What is covered in the picture is found by the same marks: every element that shows the number has one."""

    def look(browser):  # type: ignore[no-untyped-def]
        page = browser.new_page()
        page.set_content(REVIEW.format(name="Robin", a="912", b="34", c="5678", ssn="912345678"))
        before = page.screenshot()
        shot = take(page, "Summary", [SSN])
        marked = page.locator(f"[{MARK}]").evaluate_all("all => all.map(e => e.id)")
        colours = _colours(shot.picture or b"", page.locator("#split").bounding_box())
        page.close()
        return before != shot.picture, marked, colours

    differs, marked, colours = browsers.run(look)
    assert (differs, marked) == (True, ["split", ""])
    assert colours == {(0x22, 0x22, 0x22)}


def _colours(picture: bytes, box: dict[str, float]) -> set[tuple[int, ...]]:
    """The colours within a box of a picture."""
    import io

    from PIL import Image

    left, top = int(box["x"]) + 2, int(box["y"]) + 2
    right, bottom = int(box["x"] + box["width"]) - 2, int(box["y"] + box["height"]) - 2
    with Image.open(io.BytesIO(picture)) as image:
        seen = image.convert("RGB").crop((left, top, right, bottom)).getcolors(maxcolors=1 << 24)
    return {colour for _, colour in seen or []}  # type: ignore[misc]


def test_words_around_it_stay() -> None:
    assert scrub("SSN 912345678, phone 307-555-0100", [SSN]) == "SSN •••, phone 307-555-0100"
    assert scrub("912.34.5678 (912) 34 5678", [SSN]) == "••• (•••"
    assert scrub("pin 4711 and 14711", ["4711"]) == "pin ••• and 1•••"
