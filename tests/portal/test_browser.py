"""The pages in a real browser, at the width of a phone and of a desk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pw_pipelines.portal.words import SEVERITY
from tests.portal import given
from tests.portal.conftest import Web

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGE = "/tools/fcc-compliance-check"
SIZES = {"phone": (360, 780), "desk": (1280, 900)}
READABLE = 4.5  # WCAG 2.2 AA, text of normal size
CLICKABLE_PX = 24  # WCAG 2.2 AA, 2.5.8

# Every text node's colour against the nearest background behind it, as [contrast, text] below the limit.
CONTRAST = """limit => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return {r: m[0], g: m[1], b: m[2], a: m[3] ?? 1} };
  const channel = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 };
  const light = c => .2126 * channel(c.r) + .7152 * channel(c.g) + .0722 * channel(c.b);
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
                        if (c.a === 1) return c } return {r: 255, g: 255, b: 255} };
  const low = [];
  for (const e of document.querySelectorAll('body *')) {
    const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('');
    if (!text || e.closest('svg') || e.classList.contains('skip')) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < limit) low.push([ratio.toFixed(2), text.slice(0, 40)]);
  }
  return low;
}"""
UNLABELLED = """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
  .filter(e => !e.labels.length && !e.ariaLabel).map(e => e.outerHTML)"""
HEADINGS = "() => [...document.querySelectorAll('h1,h2,h3,h4')].map(e => Number(e.tagName[1]))"
# Whatever reaches beyond the window, unless it stands in a box that scrolls by itself.
CLIPPED = """() => [...document.querySelectorAll('main *')].filter(e => {
  const r = e.getBoundingClientRect(); const box = e.closest('.scroll');
  return r.width && (r.right > innerWidth + 1 || r.left < -1) && !(box && getComputedStyle(box).overflowX === 'auto')
}).map(e => e.outerHTML.slice(0, 80))"""
# What one can hit: of a box inside its label, the label.
SMALL_TARGETS = """least => [...document.querySelectorAll('button, .button, input:not([type=hidden])')]
  .filter(e => { const r = (e.closest('label') ?? e).getBoundingClientRect();
                 return r.width && r.height < least && r.width < least })
  .map(e => e.outerHTML)"""


@pytest.fixture(params=sorted(SIZES))
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page without scripts: everything must work without them."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=False)
    yield context.new_page()
    context.close()


def held_up(page: Page) -> None:
    """What every page must be, at every width."""
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    levels = page.evaluate(HEADINGS)
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels)), levels
    assert page.evaluate(UNLABELLED) == []
    assert page.evaluate(CONTRAST, READABLE) == []
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(SMALL_TARGETS, CLICKABLE_PX) == []
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("document.getElementById('main') !== null")


def shot(page: Page, folder: Path, name: str) -> None:
    path = folder / f"{name}-{page.viewport_size['width']}.png"  # type: ignore[index]
    page.screenshot(path=path, full_page=True)
    assert path.stat().st_size > 10_000, "an empty picture"


def test_a_carrier_asks_and_reads_the_answer(page: Page, deficient: Web, tmp_path: Path) -> None:
    page.goto(f"{deficient.url}{PAGE}?utm_source=mail")
    held_up(page)
    shot(page, tmp_path, "form")
    page.get_by_label("FCC Registration Number").fill("12-345-678")
    page.get_by_role("button", name="Check").click()
    assert "frn=12-345-678" in page.url
    assert "utm_source=mail" in page.url
    assert page.get_by_role("heading", level=1).inner_text() == "Blue Mesa <Communications> & Söhne, LLC"
    assert page.get_by_text("Issues found", exact=True).is_visible()
    assert page.locator("article").count() == 4
    held_up(page)
    shot(page, tmp_path, "result")
    page.get_by_role("link", name="Fix these issues").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Your order"
    assert page.get_by_label("FCC Registration Number").input_value() == "0012345678"
    held_up(page)


def test_of_many_findings_only_the_most_severe_stand_open_and_the_rest_open_by_keyboard(
    page: Page, worst: Web, tmp_path: Path
) -> None:
    page.goto(f"{worst.url}{PAGE}?frn=0012345678")
    groups = page.locator("details.group")
    assert [name.strip() for name in groups.locator("summary .chip").all_inner_texts()] == list(SEVERITY.values())
    assert [group.get_attribute("open") is not None for group in groups.all()] == [True, False, False, False, False]
    assert page.locator("article").first.is_visible()
    assert not page.locator("article").last.is_visible()
    held_up(page)
    shot(page, tmp_path, "many")
    for group in groups.all()[1:]:
        group.locator("summary").focus()
        page.keyboard.press("Enter")
    assert page.locator("article").last.is_visible()
    held_up(page)
    shot(page, tmp_path, "many-open")


def test_a_count_at_the_top_leads_to_its_findings_even_when_they_are_folded(page: Page, worst: Web) -> None:
    page.goto(f"{worst.url}{PAGE}?frn=0012345678")
    page.locator(".verdict .chip.low").click()
    assert page.locator("article.low").first.is_visible()


def test_the_way_to_fix_stays_in_sight_and_covers_nothing_that_has_the_focus(page: Page, worst: Web) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{worst.url}{PAGE}?frn=0012345678")
    fix = page.get_by_role("link", name="Fix these issues")
    page.get_by_label("FCC Registration Number").focus()
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.closest('details') !== null"):
            break
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    for _ in range(4):
        place, focused = fix.bounding_box(), page.evaluate("document.activeElement.getBoundingClientRect().y")
        assert place is not None
        assert 0 <= place["y"] < page.viewport_size["height"] / 2  # type: ignore[index]
        assert focused >= place["y"] + place["height"]
        page.keyboard.press("Shift+Tab")


def test_a_mistyped_number_is_explained_beside_the_field(page: Page, web: Web, tmp_path: Path) -> None:
    page.goto(f"{web.url}{PAGE}?frn=hello")
    field = page.get_by_label("FCC Registration Number")
    described_by = field.get_attribute("aria-describedby")
    assert described_by is not None
    assert "not an FRN" in page.locator(f"#{described_by.split()[-1]}").inner_text()
    held_up(page)
    shot(page, tmp_path, "mistyped")


def test_the_record_is_read_again_at_a_press(page: Page, deficient: Web) -> None:
    page.goto(f"{deficient.url}{PAGE}?frn=0012345678&utm_source=mail")
    page.get_by_role("button", name="Read the public record again now").click()
    assert page.locator(".chip.live").count() == 3
    assert "utm_source=mail" in page.url
    held_up(page)


def test_questions_are_a_checklist_that_can_be_ticked(page: Page, deficient: Web) -> None:
    page.goto(f"{deficient.url}{PAGE}?frn=0012345678")
    box = page.get_by_label(re.compile("CALEA"))
    box.check()
    assert box.is_checked()


def test_an_awkward_name_of_200_characters_does_not_break_the_page(page: Page, web: Web) -> None:
    ids = given.fresh_books(web.db)
    given.carrier(web.db, name="Ñandú" + "x" * 195)
    given.finding(web.db, "RMD_ROLE_NONE", [ids["fcc_rmd"]], evidence={"address": "y" * 300})
    page.goto(f"{web.url}{PAGE}?frn=0012345678")
    held_up(page)


def test_the_staff_pages_stand_at_every_width(page: Page, deficient: Web, tmp_path: Path) -> None:
    given.segment_counts(deficient.db, {"cpni_missing": {"CPNI_MISSING": 1822, "RMD_ROLE_NONE": 120}})
    given.lead(deficient.db, "0012345678", "Invented & Sons " * 8, "cpni_missing", ["CPNI_MISSING", "RMD_ROLE_NONE"])
    for path, name in (("/", "status"), ("/segments", "segments"), ("/segments/cpni_missing", "segment")):
        page.goto(f"{deficient.url}{path}")
        held_up(page)
        shot(page, tmp_path, name)


def test_on_paper_there_are_the_findings_and_no_buttons(browser: Browser, deficient: Web) -> None:
    page = browser.new_page()
    page.goto(f"{deficient.url}{PAGE}?frn=0012345678")
    page.emulate_media(media="print")
    assert page.locator("article").first.is_visible()
    assert not page.get_by_role("link", name="Fix these issues").is_visible()
    page.close()


def test_on_paper_folded_findings_are_unfolded(browser: Browser, worst: Web) -> None:
    page = browser.new_page()
    page.goto(f"{worst.url}{PAGE}?frn=0012345678")
    page.emulate_media(media="print")
    assert all(article.bounding_box()["height"] > 50 for article in page.locator("article").all())  # type: ignore[index]
    page.close()


def test_the_browser_finds_nothing_the_policy_forbids(browser: Browser, deficient: Web) -> None:
    """A style, picture or script that the policy refuses shows up as an error on the console."""
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in (f"{PAGE}?frn=0012345678", "/", "/segments", "/checkout"):
        page.goto(f"{deficient.url}{path}")
    assert complaints == []
    page.close()
