"""What people do on the pages goes on at once: each tells the nudge, after its transaction, which item it is."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from pw_pipelines.portal import desk_pages, sign_page
from tests.fulfillment.conftest import House, house
from tests.portal.conftest import serving
from tests.portal.desk_making import Desk, desk
from tests.portal.test_sign_page import Signer
from tests.signing.making import make_scene

__all__ = ["desk", "house"]


@pytest.fixture
def signer(house: House) -> Iterator[Signer]:
    scene = make_scene(house)
    with serving(house.ground.settings) as url, httpx.Client(follow_redirects=True, timeout=30) as browser:
        yield Signer(url, scene, scene.asked(), browser)


@pytest.mark.parametrize("do", ["sign", "decline"])
def test_signing_and_declining_go_on_at_once(signer: Signer, monkeypatch: pytest.MonkeyPatch, do: str) -> None:
    seen: list[tuple[int, str]] = []
    state = lambda item: str(signer.scene.house.row(item)["state"])  # noqa: E731
    monkeypatch.setattr(sign_page, "nudge_item", lambda _settings, item: seen.append((item, state(item))))
    signer.send(name="")
    assert seen == [], "a form that misses something changes nothing"
    signer.send(do=do, reason="Not I.")
    assert seen == [(signer.scene.item_id, "ready")], "after its transaction: others see it ready"


def test_a_deed_at_the_desk_goes_on_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(desk_pages, "nudge_item", lambda _settings, item: seen.append(item))
    item = desk.item()
    desk.waits(item, "error")
    ops = desk.person("ops")
    assert ops.post(f"/desk/items/{item}/retry", {"stage": "book"}).status_code == 409
    assert seen == []
    assert ops.post(f"/desk/items/{item}/retry", {"why": "Mended."}).status_code == 303
    assert seen == [item]
