"""The page to sign on in a real browser: drawn with a finger on a phone, typed without scripts, read by everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pw_pipelines.documents.signing.pictures import picture_of, places_of
from tests.fulfillment.conftest import House, house
from tests.portal.conftest import serving
from tests.portal.test_browser import held_up, shot
from tests.signing.making import NAME, Scene, make_scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["house"]
PHONE, DESK = (390, 844), (1280, 900)


@pytest.fixture
def scene(house: House) -> Scene:
    return make_scene(house)


@pytest.fixture
def url(house: House) -> Iterator[str]:
    with serving(house.ground.settings) as url:
        yield url


@contextmanager
def opened(browser: Browser, size: tuple[int, int], *, scripts: bool = True, touch: bool = False) -> Iterator[Page]:
    """A window whose console may say nothing: a breach of the page's policy would stand there."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, java_script_enabled=scripts, has_touch=touch,
        device_scale_factor=2 if touch else 1,
    )  # fmt: skip
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    outside: list[str] = []
    page.on("request", lambda request: outside.append(request.url))
    try:
        yield page
        assert [one for one in said if "status of 400" not in one] == []  # a form that lacks something is answered so
        assert {one.split("/")[2] for one in outside if not one.startswith("data:")} == {page.url.split("/")[2]}
    finally:
        context.close()


def draw_by_finger(page: Page) -> None:
    """Two strokes on the pad, by touch."""
    canvas = page.locator(".pad canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    wire = page.context.new_cdp_session(page)

    def touch(kind: str, *at: tuple[float, float]) -> None:
        points = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in at]
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    for stroke in (
        [(0.1, 0.7), (0.16, 0.3), (0.2, 0.2), (0.24, 0.45), (0.27, 0.75), (0.32, 0.5), (0.4, 0.42), (0.46, 0.7),
         (0.52, 0.4), (0.6, 0.68), (0.7, 0.45), (0.8, 0.6)],
        [(0.12, 0.55), (0.2, 0.52), (0.3, 0.5)],
    ):  # fmt: skip
        touch("touchStart", stroke[0])
        for point in stroke[1:]:
            touch("touchMove", point)
        touch("touchEnd")


def images_are_there(page: Page) -> list[Any]:
    """The pictures of pages that did not load."""
    for image in page.locator(".pages img").all():
        image.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    page.wait_for_function("[...document.querySelectorAll('.pages img')].every(one => one.complete)")
    return list(
        page.evaluate("[...document.querySelectorAll('.pages img')].filter(i => !i.naturalWidth).map(i => i.src)")
    )


def test_a_signer_reads_and_draws_on_a_phone(browser: Browser, scene: Scene, url: str, tmp_path: Path) -> None:
    with opened(browser, PHONE, touch=True) as page:
        page.goto(f"{url}/sign/{scene.asked()}")
        held_up(page)
        assert page.locator(".pages img").count() == 3
        assert images_are_there(page) == []
        page.get_by_label("I have read the text").check()
        page.get_by_label("Your full name").fill("ada q. lovelace")
        draw_by_finger(page)
        assert page.get_by_text("Your drawing is your signature.").is_visible()
        shot(page, tmp_path, "sign")
        page.get_by_role("button", name="Sign", exact=True).click()
        assert page.get_by_role("heading", level=1).inner_text() == "Signed. Thank you."
        held_up(page)
        shot(page, tmp_path, "signed")
    assert scene.work().came == "done"
    signed = scene.object(scene.documents()[0]["signed_digest"])
    [place] = places_of(signed)
    (tmp_path / "document.png").write_bytes(picture_of(signed, place.page).png)
    (tmp_path / "certificate.png").write_bytes(picture_of(signed, place.page + 1).png)


def test_a_cleared_drawing_is_none_and_a_fault_keeps_what_was_drawn(browser: Browser, scene: Scene, url: str) -> None:
    with opened(browser, PHONE, touch=True) as page:
        page.goto(f"{url}/sign/{scene.asked()}")
        field = page.locator("input[name=drawing]")
        draw_by_finger(page)
        assert field.input_value().count(";") == 1
        page.get_by_role("button", name="Clear the drawing").click()
        assert field.input_value() == ""
        draw_by_finger(page)
        drawn = field.input_value()
        page.get_by_role("button", name="Sign", exact=True).click()
        page.wait_for_selector(".faults")
        assert page.get_by_text("Please look at these 2").is_visible()
        assert field.input_value() == drawn
        assert page.get_by_text("Your drawing is your signature.").is_visible()


@pytest.mark.parametrize("size", [PHONE, DESK])
def test_without_scripts_the_typed_name_signs(
    browser: Browser, scene: Scene, url: str, tmp_path: Path, size: tuple[int, int]
) -> None:
    with scene.house.connect() as connection:
        connection.execute("update pw.order_items set service = 'rmd_recertification'")
    with opened(browser, size, scripts=False) as page:
        page.goto(f"{url}/sign/{scene.asked()}")
        assert not page.locator(".pad").is_visible(), "what needs a script is not shown"
        assert page.get_by_text("unless you draw one").is_hidden()
        page.get_by_role("button", name="Sign", exact=True).click()
        assert page.get_by_text("Please look at these 3").is_visible()
        held_up(page)
        shot(page, tmp_path, "faults")
        page.get_by_label("I have read the text").check()
        page.get_by_label("I declare under penalty of perjury").check()
        page.get_by_label("Your full name").fill(NAME)
        page.get_by_role("button", name="Sign", exact=True).click()
        assert page.get_by_role("heading", level=1).inner_text() == "Signed. Thank you."


def test_by_keyboard_and_on_a_desk(browser: Browser, scene: Scene, url: str, tmp_path: Path) -> None:
    with opened(browser, DESK) as page:
        page.goto(f"{url}/sign/{scene.asked()}")
        held_up(page)
        images_are_there(page)
        page.evaluate("scrollTo(0, 0)")
        shot(page, tmp_path, "desk")
        page.get_by_label("I have read the text").focus()
        page.keyboard.press("Space")
        page.get_by_label("Your full name").focus()
        page.keyboard.type(NAME)
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Signed. Thank you.")
    assert scene.request().state == "signed"


def test_declining_in_the_browser(browser: Browser, scene: Scene, url: str, tmp_path: Path) -> None:
    with opened(browser, PHONE) as page:
        page.goto(f"{url}/sign/{scene.asked()}")
        page.get_by_text("Something is wrong, or I do not want to sign").click()
        page.get_by_label("What is wrong?").fill("The address is an old one.")
        held_up(page)
        page.get_by_role("button", name="Decline to sign").click()
        assert page.get_by_role("heading", level=1).inner_text() == "You declined to sign"
        shot(page, tmp_path, "declined")
    assert scene.request().state == "declined"
