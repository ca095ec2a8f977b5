"""The 52 jurisdictions, read once and checked."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.jurisdictions.model import Jurisdiction
from pw_pipelines.yaml_data import read_entry

HOW_MANY = 52  # 50 states, DC, BC


@lru_cache(maxsize=1)
def book() -> dict[str, Jurisdiction]:
    """Every jurisdiction by its code, in the order of the codes. Raises ConfigError naming file and field."""
    folder = resources.files("pw_pipelines.jurisdictions") / "data"
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".yaml")), key=lambda one: one.name)
    read = {one.code: one for one in map(read_file, files)}
    if len(read) != HOW_MANY:
        raise ConfigError(f"jurisdictions/data holds {len(read)} jurisdictions in {len(files)} files, not {HOW_MANY}.")
    return read


def read_file(file: Traversable) -> Jurisdiction:
    """One file. Raises ConfigError naming it and the field that is wrong."""
    found = read_entry(file.read_text(encoding="utf-8"), Jurisdiction, file=f"jurisdictions/data/{file.name}")
    if file.name != f"{found.code.lower()}.yaml":
        raise ConfigError(f"jurisdictions/data/{file.name} speaks of {found.code}; it must be named after its code.")
    return found


def jurisdiction(code: str) -> Jurisdiction:
    """The jurisdiction of a code, in either case. Raises UsageError naming the known ones."""
    try:
        return book()[code.strip().upper()]
    except KeyError:
        raise UsageError(
            f"{code!r} is no jurisdiction; known: {', '.join(book())}.",
            field="state",
            remedy="Give two letters: a state, DC or BC.",
        ) from None
