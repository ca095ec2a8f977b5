"""How each register's own words are read: `terms/<state>.yaml`, one entry per source, checked when it loads."""

from __future__ import annotations

from collections.abc import Container, Iterable
from functools import cache
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pw_pipelines.errors import ConfigError
from pw_pipelines.sources.register import Form, NameKind, Standing


class RegisterTerms(BaseModel):
    """One source's words. Keys are upper case; look them up with `known`.

    forms, standing  type code or word -> form; status code or word -> standing
    name_kinds       type code or word -> kind of name, where the type says that the record is not a legal name
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    forms: dict[str, Form]
    standing: dict[str, Standing]
    name_kinds: dict[str, NameKind] = {}

    def forms_of(self, written: Iterable[str | None]) -> list[str | None]:
        """The form each type code stands for; `other` for one not listed."""
        forms = self.forms.get
        return [forms(one, "other") if one else None for one in written]

    def standings_of(self, written: Iterable[str | None]) -> list[str]:
        """The standing each status stands for; `unknown` for one not listed, or none."""
        standing = self.standing.get
        return [standing(one, "unknown") if one else "unknown" for one in written]


@cache
def terms(state: str, source: str) -> RegisterTerms:
    """The words of one source. Raises ConfigError naming the file when it is not valid or lacks the source."""
    name = f"terms/{state.lower()}.yaml"
    try:
        told = yaml.safe_load((resources.files("pw_pipelines.sources") / name).read_text(encoding="utf-8"))
        return RegisterTerms.model_validate(told[source])
    except (OSError, yaml.YAMLError, ValidationError, KeyError, TypeError) as error:
        raise ConfigError(f"sources/{name} has no valid entry {source!r}: {error}") from error


def unknown_words(found: set[str | None], known: Container[str]) -> set[str]:
    """The words met that `known` has no reading for; an empty word is none."""
    return {word for word in found if word and word.upper() not in known}
