"""Which portals a probe visits, told from the heads of their files: a code location loads often and needs no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pw_pipelines.settings import Settings
from pw_pipelines.yaml_data import load_yaml

if TYPE_CHECKING:
    from pw_pipelines.probes.targets import Kind

SEARCH = "search_"


@dataclass(frozen=True)
class Head:
    """One portal: its code in the book of probes, its title, and the host that is asked one page at a time."""

    code: str
    kind: Kind
    title: str
    host: str


def visited(settings: Settings) -> list[Head]:
    """Those we file with, then the searches that a program may ask in this mode, each by code.

    The heads are not checked here: `probes.targets` reads the same files whole, and a test holds both to one list.
    """
    filing = [_filing(file) for file in _files("pw_pipelines.filings")]
    return [*filing, *(_searches_with_a_stand_in() if settings.is_sandbox else _searches(settings))]


def _filing(file: Traversable) -> Head:
    head, _, _ = file.read_text(encoding="utf-8").partition("\nforms:")
    said = load_yaml(head)
    return Head(said["portal"], "filing", said["title"], urlsplit(said["url"]).netloc)


def _searches_with_a_stand_in() -> Iterator[Head]:
    for file in _files("pw_pipelines.registry"):
        head, has_one, _ = file.read_text(encoding="utf-8").partition("\nsandbox:")
        if has_one:
            said = load_yaml(head)
            state = said["state"].lower()
            url = said.get("url") or _official_search(state)
            yield Head(f"{SEARCH}{state}", "search", said["title"], urlsplit(url).netloc)


def _official_search(state: str) -> str:
    data = resources.files("pw_pipelines.jurisdictions") / "data" / f"{state}.yaml"
    return str(load_yaml(data.read_text(encoding="utf-8"))["search"]["url"])


def _searches(settings: Settings) -> Iterator[Head]:
    """Whether a program may ask stands in many places of a live house's files: these are read whole."""
    from pw_pipelines.probes.targets import targets

    for one in targets(settings).values():
        if one.kind == "search" and one.never is None:
            yield Head(one.code, one.kind, one.title, one.host)


def _files(package: str) -> list[Traversable]:
    folder = resources.files(package) / "portals"
    return sorted((one for one in folder.iterdir() if one.name.endswith(".yaml")), key=lambda one: one.name)
