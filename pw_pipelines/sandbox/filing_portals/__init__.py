"""Stand-ins of the portals we file with, each built another way, each counting what was truly submitted (`book`).

What is filed with the federal ones shows in the public records of the sandbox from the next day on (sandbox/filed.py).
"""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount

from pw_pipelines.sandbox.filing_portals import (
    agent_wholesale,
    bc_registry,
    common,
    fcc_bdc,
    fcc_ecfs,
    fcc_rmd,
    irs_ein,
    usac_efile,
    wy_registry,
)
from pw_pipelines.sandbox.filing_portals.common import House

__all__ = ["NAMES", "House", "control", "routes"]

_PORTALS = {
    module.PORTAL: module.routes
    for module in (fcc_rmd, fcc_ecfs, usac_efile, fcc_bdc, wy_registry, irs_ein, bc_registry, agent_wholesale)
}
NAMES = tuple(_PORTALS)


def routes(house: House) -> list[BaseRoute]:
    """Everything below `/filing`."""
    return [Mount(f"/{portal}", routes=make(house)) for portal, make in _PORTALS.items()]


def control(house: House) -> list[BaseRoute]:
    """What stands below `/_control` for the portals."""
    return [*common.control(house, NAMES)]
