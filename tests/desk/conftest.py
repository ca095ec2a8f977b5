"""Nothing that one test was told never to say is masked in the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pw_pipelines import masking


@pytest.fixture(autouse=True)
def _nothing_hidden() -> Iterator[None]:
    masking.forget_all()
    yield
    masking.forget_all()
