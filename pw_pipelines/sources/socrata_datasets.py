"""Open-data sets of companies as data: `socrata_datasets.yaml`, checked when it loads."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pw_pipelines.errors import ConfigError, UsageError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dataset(_Strict):
    """One set. source: the register it is read for, or would be; is_default: the set that is fetched for it.

    answers, instead: of a set that is gone, what asking for it gives, and where to go.
    """

    state: str
    domain: str
    id: str
    title: str
    availability: Literal["read", "companion", "retired", "never found"]
    source: str | None = None
    is_default: bool = False
    confidence: str | None = None
    answers: str | None = None
    instead: str | None = None
    rows: int | None = None
    counted: str | None = None
    cadence: str | None = None
    note: str | None = None

    @property
    def is_gone(self) -> bool:
        return self.availability in ("retired", "never found")


class Columns(_Strict):
    """Which columns of a source tell what; of several, the first that is filled speaks.

    asked: columns asked for by name; empty: all. id_digits: digits of an identifier whose leading zeros a spreadsheet
    may have taken. no_date: days that stand for none.
    """

    asked: tuple[str, ...]
    id: tuple[str, ...]
    name: tuple[str, ...]
    type: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    formed: tuple[str, ...] = ()
    home: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    rank: tuple[str, ...] = ()
    id_digits: int = 0
    no_date: tuple[str, ...] = ()


class _Book(_Strict):
    datasets: tuple[Dataset, ...]
    registers: dict[str, Columns]


@lru_cache(maxsize=1)
def _book() -> _Book:
    name = "socrata_datasets.yaml"
    try:
        text = (resources.files("pw_pipelines.sources") / name).read_text(encoding="utf-8")
        return _Book.model_validate(yaml.safe_load(text))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ConfigError(f"sources/{name} is not valid: {error}") from error


def datasets() -> tuple[Dataset, ...]:
    """All sets, read and gone. Raises ConfigError."""
    return _book().datasets


def columns(source: str) -> Columns:
    """The columns of one source."""
    return _book().registers[source]


def dataset_of(source: str) -> Dataset:
    """The set that is fetched for a source. Raises UsageError naming those there are, and for one that is gone its
    successor."""
    for one in datasets():
        if one.source == source and one.is_default:
            return one
    for one in datasets():
        if one.source == source and one.is_gone:
            raise UsageError(f"{source}: data set {one.id} on {one.domain} answers {one.answers}. Use {one.instead}")
    known = ", ".join(one.source for one in datasets() if one.source and one.is_default)
    raise UsageError(f"There is no data set for {source!r}; known: {known}.")


def gone(state: str) -> tuple[Dataset, ...]:
    """The sets of one state that are gone, with where to go instead."""
    return tuple(one for one in datasets() if one.state == state.upper() and one.is_gone)
