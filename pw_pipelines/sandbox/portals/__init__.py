"""Stand-ins of the states' own search portals: pages a browser must really drive, each built another way.

`/portals/wy` a classic post-back form, `/portals/bc` one page that talks JSON, `/portals/mo` a wizard with a session;
`/portals/_control` says how they misbehave and who has called.
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount

from pw_pipelines.sandbox.portals import post_back, single_page, wizard
from pw_pipelines.sandbox.portals.mood import Moods
from pw_pipelines.sandbox.portals.mood import routes as control

STATES = ("wy", "bc", "mo")


def routes(seed: int) -> list[BaseRoute]:
    """Everything below `/portals`."""
    moods = Moods()
    return [
        Mount("/_control", routes=control(moods)),
        Mount("/wy", routes=post_back.routes(seed, moods)),
        Mount("/bc", routes=single_page.routes(seed, moods)),
        Mount("/mo", routes=wizard.routes(seed, moods)),
    ]
