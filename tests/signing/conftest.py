"""A paid item at the stage `signature`."""

from __future__ import annotations

import pytest

from tests.fulfillment.conftest import House, house
from tests.signing.making import Scene, make_scene

__all__ = ["house", "scene"]


@pytest.fixture
def scene(house: House) -> Scene:
    return make_scene(house)
