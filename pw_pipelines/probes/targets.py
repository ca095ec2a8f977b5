"""Every portal we use: those we file with and those whose search we ask; and which of them a probe may visit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from pw_pipelines.errors import UsageError
from pw_pipelines.filings import hours
from pw_pipelines.filings.portal import Portal, portal_codes, portal_of
from pw_pipelines.probes.heads import SEARCH
from pw_pipelines.registry.portals import Adapter, Road, adapters, road
from pw_pipelines.settings import Settings

Kind = Literal["filing", "search"]


@dataclass(frozen=True)
class Target:
    """One portal. never: why no probe visits it, as a sentence; None: it is visited."""

    code: str
    kind: Kind
    title: str
    host: str
    never: str | None = None
    portal: Portal | None = None
    road: Road | None = None
    adapter: Adapter | None = None

    def resting(self, now: datetime) -> str | None:
        """Why it can't be looked at now, although it may: its hours."""
        if self.portal is not None and not hours.is_open(self.portal.hours, now):
            return f"{self.title} is closed at this hour."
        return None


def targets(settings: Settings, *, portals: Callable[[str], Portal] = portal_of) -> dict[str, Target]:
    """All of them by code, those we file with first. A search portal's code is `search_` and its state's."""
    found = [target_for(portals(code), settings) for code in portal_codes()]
    return {one.code: one for one in (*found, *_searches(settings))}


def target_of(code: str, settings: Settings, *, portals: Callable[[str], Portal] = portal_of) -> Target:
    """One of them. Raises UsageError naming those there are."""
    known = targets(settings, portals=portals)
    if code not in known:
        visited = ", ".join(one.code for one in known.values() if one.never is None)
        raise UsageError(f"There is no portal {code!r}. A probe visits {visited or 'none'}.")
    return known[code]


def target_for(portal: Portal, settings: Settings) -> Target:
    """A portal we file with."""
    never = None
    if portal.terms.automation == "forbidden":
        never = f"Its terms forbid programs ({portal.terms.source.rstrip('.')})."
    elif portal.terms.automation == "unknown" and not settings.is_sandbox and not _has_stand_in(portal, settings):
        never = f"Nobody has read whether its terms allow programs ({portal.terms.source.rstrip('.')})."
    return Target(portal.portal, "filing", portal.title, urlsplit(portal.url).netloc, never, portal=portal)


def _has_stand_in(portal: Portal, settings: Settings) -> bool:
    return bool(settings.portal_urls.keys() & {"*", portal.portal})


def _searches(settings: Settings) -> Iterator[Target]:
    for code, adapter in sorted(adapters().items()):
        way = road(code, settings)
        never = way.why_not
        if never and adapter.script is not None and way.stance == "open" and not settings.is_sandbox:
            never = None  # a probe is what its selectors are verified by
        host = urlsplit(adapter.url or way.look_url).netloc
        yield Target(f"{SEARCH}{code.lower()}", "search", adapter.title, host, never, road=way, adapter=adapter)
