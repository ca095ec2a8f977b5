"""How each register's own words are read: `terms/<state>.yaml`, one entry per source, checked when it loads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pw_pipelines.errors import ConfigError
from pw_pipelines.sources.register import Form, NameKind, Standing


class RegisterTerms(BaseModel):
    """One source's words. Keys are upper case; any case is looked up.

    forms, standing  type code or word -> form; status code or word -> standing
    contains         words within a type -> form, tried in order where the whole type is not listed
    name_kinds       type code or word -> kind of name, where the type says that the record is not a legal name
    listed_are       the standing of everything listed, where the source lists no status
    tail_words       beginnings of status words that the source appends to names (Colorado)
    ranks            which of several rows of one entity speaks first, by their sort; place_from: the sorts of row
                     whose city is the principal place; empty: all
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    forms: dict[str, Form]
    standing: dict[str, Standing]
    contains: dict[str, Form] = {}
    name_kinds: dict[str, NameKind] = {}
    listed_are: Standing | None = None
    tail_words: tuple[str, ...] = ()
    ranks: dict[str, int] = {}
    place_from: tuple[str, ...] = ()

    def forms_of(self, written: Sequence[str | None]) -> list[str | None]:
        """The form each type stands for; `other` for one not known, None for none."""
        known = {one: self._form(one) for one in set(written) if one}
        return [known[one] if one else None for one in written]

    def _form(self, written: str) -> Form:
        word = written.upper()
        if word in self.forms:
            return self.forms[word]
        return next((form for part, form in self.contains.items() if part in word), "other")

    def standings_of(self, written: Sequence[str | None]) -> list[str]:
        """The standing each status stands for; `unknown` for one not listed, or none."""
        known = {one: self.standing.get(one.upper(), "unknown") for one in set(written) if one}
        return [known[one] if one else "unknown" for one in written]

    def unknown_types(self, written: Sequence[str | None]) -> list[str]:
        """Types we have no reading for, in order."""
        return sorted({one for one in written if one and one.upper() not in self.forms and self._form(one) == "other"})

    def unknown_statuses(self, written: Sequence[str | None]) -> list[str]:
        """Statuses we have no reading for, in order."""
        return sorted({one for one in written if one and one.upper() not in self.standing})


@cache
def terms(state: str, source: str) -> RegisterTerms:
    """The words of one source. Raises ConfigError naming the file when it is not valid or lacks the source."""
    name = f"terms/{state.lower()}.yaml"
    try:
        told = yaml.safe_load((resources.files("pw_pipelines.sources") / name).read_text(encoding="utf-8"))
        return RegisterTerms.model_validate(told[source])
    except (OSError, yaml.YAMLError, ValidationError, KeyError, TypeError) as error:
        raise ConfigError(f"sources/{name} has no valid entry {source!r}: {error}") from error
