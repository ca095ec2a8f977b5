"""Stage `signature`."""

from __future__ import annotations

from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.fulfillment.work import Work


def run(work: Work) -> str:
    """Not built yet: waits for a person."""
    raise Gate("packet", "This stage is not automatic yet; a person does it.")
