"""Search adapters of the states' own portals: `portals/*.yaml`, one per state, checked when they load.

Portals built by one maker share what is in `portals/families/`; a state's file says what differs.

Where a portal is and whether a program may ask it stands in one place, the jurisdiction's file
(`jurisdictions/data`); how its page is driven and read stands here. An adapter is used on the real portal only when
that stance is `open` and a probe has verified its selectors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from pw_pipelines.errors import ConfigError
from pw_pipelines.jurisdictions.book import jurisdiction
from pw_pipelines.registry.portal_query import Match
from pw_pipelines.resources.page_script import PageScript, Strict
from pw_pipelines.settings import Settings
from pw_pipelines.sources.register import Form, NameKind, Standing
from pw_pipelines.yaml_data import load_yaml

FIELDS = frozenset({"id", "name", "status", "type", "kind", "formed", "home", "place"})


class Verified(Strict):
    """Who saw on which day that the selectors stand on the real portal."""

    day: date
    by: str = Field(min_length=2)


class StandIn(Strict):
    """The portal's stand-in: its path below the stand-ins' address, and the pace that loopback can bear."""

    path: str = Field(pattern=r"^/portals/")
    pacing_seconds: float = Field(default=0.0, ge=0)


class Adapter(Strict):
    """How one state's portal is searched.

    url             where the form is, when it is not the jurisdiction's `search.url`
    read_in         where the selectors were read
    script          null: nobody has read the page yet
    verified        null until a probe has seen them stand on the real portal
    pacing_seconds  least time from one search of this portal to the next
    match           what the portal's search does with the letters it is given
    longest         most letters its field takes
    live, not_live  the portal's status words (regular expressions, whole word, case ignored); any other is unknown
    forms, kinds    the portal's word for the kind of entity, and of name -> ours
    dates           how it writes a day (strptime)
    gaps            what its search does not show, in sentences
    """

    state: str = Field(pattern=r"^[A-Z]{2}$")
    title: str = Field(min_length=3)
    url: str | None = Field(default=None, pattern=r"^https://")
    sandbox: StandIn | None = None
    read_in: str = Field(min_length=3)
    verified: Verified | None
    pacing_seconds: float = Field(ge=5)
    match: Match
    longest: int = Field(default=60, ge=8)
    script: PageScript | None
    live: tuple[str, ...] = ()
    not_live: tuple[str, ...] = ()
    forms: dict[str, Form] = Field(default_factory=dict)
    kinds: dict[str, NameKind] = Field(default_factory=dict)
    dates: str = "%m/%d/%Y"
    gaps: tuple[str, ...] = ()

    @field_validator("live", "not_live")
    @classmethod
    def _are_regexes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                re.compile(one)
            except re.error as error:
                raise ValueError(f"{one!r} is not a regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _fields_are_known(self) -> Adapter:
        if self.script and (stray := sorted(self.script.results.fields.keys() - FIELDS)):
            raise ValueError(f"script.results.fields: {', '.join(stray)} unknown; known: {', '.join(sorted(FIELDS))}")
        if self.script is None and (self.verified or self.sandbox):
            raise ValueError("`verified` and `sandbox` speak of a `script`, and there is none")
        return self

    def standing(self, status: str | None) -> Standing:
        """Our reading of a status word; a word nobody has named is unknown."""
        for said, patterns in (("live", self.live), ("not_live", self.not_live)):
            if status and any(re.fullmatch(one, status, re.IGNORECASE) for one in patterns):
                return said  # type: ignore[return-value]
        return "unknown"

    def day(self, text: str | None) -> date | None:
        """A day as the portal writes it; None when it is none."""
        if not text:
            return None
        try:
            return datetime.strptime(text, self.dates).date()  # noqa: DTZ007 - a calendar day has no zone
        except ValueError:
            return None


Stance = Literal["open", "challenge", "forbidden", "unverified"]


@dataclass(frozen=True)
class Road:
    """How a state's portal may be reached from here: the address asked, and whether a program may ask.

    look_url: the official page for a person. why_not: why no program asks, as a sentence; None: it may.
    """

    state: str
    look_url: str
    stance: Stance
    url: str | None = None
    adapter: Adapter | None = None
    pacing_seconds: float = 0.0
    why_not: str | None = None


@lru_cache(maxsize=1)
def adapters() -> dict[str, Adapter]:
    """Every adapter by its state. Raises ConfigError naming file and field."""
    folder = resources.files("pw_pipelines.registry") / "portals"
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".yaml")), key=lambda one: one.name)
    return {one.state: one for one in map(read_adapter, files)}


def read_adapter(file: Traversable) -> Adapter:
    """One adapter. Raises ConfigError naming the file and the field that is wrong."""
    where = f"registry/portals/{file.name}"
    try:
        adapter = Adapter.model_validate(_with_family(load_yaml(file.read_text(encoding="utf-8")), where))
    except yaml.YAMLError as error:
        raise ConfigError(f"{where} is not valid YAML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}" for one in error.errors(include_url=False)
        )
        raise ConfigError(f"{where} is not valid. {wrong}") from error
    if file.name != f"{adapter.state.lower()}.yaml":
        raise ConfigError(f"{where} speaks of {adapter.state}; it must be named after its state.")
    return adapter


def _with_family(said: Any, where: str) -> Any:
    """What a file says, over what its family says."""
    if not isinstance(said, dict) or "family" not in said:
        return said
    name = str(said["family"])
    family = resources.files("pw_pipelines.registry") / "portals" / "families" / f"{name}.yaml"
    if not re.fullmatch(r"[a-z_]+", name) or not family.is_file():
        raise ConfigError(f"{where} is not valid. family: there is no registry/portals/families/{name}.yaml.")
    shared = load_yaml(family.read_text(encoding="utf-8"))
    return _over(shared, {key: value for key, value in said.items() if key != "family"})


def _over(shared: Any, said: Any) -> Any:
    """`said` over `shared`, key by key; lists are replaced whole."""
    if not (isinstance(shared, dict) and isinstance(said, dict)):
        return said
    return {**shared, **{key: _over(shared.get(key), value) for key, value in said.items()}}


def road(code: str, settings: Settings) -> Road:
    """The road to a state's portal. Raises UsageError for an unknown state.

    In the sandbox the portals that have a stand-in are open; no real address is ever given out there.
    """
    of = jurisdiction(code)
    look_url, stance, adapter = of.search.url, of.automation.stance, adapters().get(of.code)
    if settings.is_sandbox and adapter and adapter.sandbox:
        url = settings.sandbox_url.rstrip("/") + adapter.sandbox.path
        return Road(of.code, look_url, "open", url, adapter, adapter.sandbox.pacing_seconds)
    reason = of.automation.reason.rstrip(".")
    why: str | None = None
    if stance == "forbidden":
        why = f"The portal forbids automatic searches ({reason})."
    elif stance == "challenge":
        why = f"The portal asks whether a human is there, which is left to a human ({reason})."
    elif stance == "unverified":
        why = f"Nobody has confirmed that the portal allows automatic searches ({reason})."
    elif adapter is None or adapter.script is None:
        why = "There is no search adapter for this portal yet."
    elif adapter.verified is None:
        why = "The adapter's selectors have not been verified by a probe."
    elif settings.is_sandbox:
        why = "This portal has no stand-in in the sandbox."
    address = None if why or adapter is None else adapter.url or look_url
    return Road(of.code, look_url, stance, address, adapter, adapter.pacing_seconds if adapter else 0.0, why)
