"""Bundles: several services at one price. `bundles.yaml`, checked when it loads."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from pydantic import Field

from pw_pipelines.commerce.catalogue import Usd, catalogue
from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.yaml_data import Strict, read_entries

FILE = "bundles.yaml"


class Bundle(Strict):
    """One bundle. `services` empty: the firm has not said what it holds; a person settles that with the customer."""

    code: str = Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")
    title: str
    price_usd: Usd
    services: tuple[str, ...] = ()
    words: str | None = None


@lru_cache(maxsize=1)
def bundles() -> dict[str, Bundle]:
    """Every bundle by its code. Raises ConfigError naming the bundle and the field that is wrong."""
    return parse_bundles((resources.files("pw_pipelines.commerce") / FILE).read_text(encoding="utf-8"))


def parse_bundles(text: str) -> dict[str, Bundle]:
    """Bundles from YAML text. Raises ConfigError when a field is wrong or a service is not in the catalogue."""
    found = read_entries(text, Bundle, file=f"commerce/{FILE}", key="code", what="bundles")
    for one in found.values():
        missing = [code for code in one.services if code not in catalogue()]
        if missing:
            raise ConfigError(f"commerce/{FILE}, {one.code}: services that are not there: {', '.join(missing)}.")
    return found


def bundle(code: str) -> Bundle:
    """One bundle. Raises UsageError naming the known codes."""
    try:
        return bundles()[code]
    except KeyError:
        raise UsageError(
            f"There is no bundle {code!r}; known: {', '.join(bundles())}.",
            field="bundle",
            remedy="Give the code of a bundle that is offered.",
        ) from None
