"""Words in a name that need leave or are barred: the state's own list, and those controlled everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from pydantic import field_validator

from pw_pipelines.jurisdictions.model import Jurisdiction
from pw_pipelines.registry import keys, stems
from pw_pipelines.registry.comparison import designator_form
from pw_pipelines.registry.model import EntityForm
from pw_pipelines.registry.words import words
from pw_pipelines.yaml_data import Strict, read_entry

_FILE = "everywhere.yaml"


class Everywhere(Strict):
    """The words of `everywhere.yaml`, by why they are controlled."""

    finance: tuple[str, ...]
    profession: tuple[str, ...]
    government: tuple[str, ...]

    @field_validator("finance", "profession", "government", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(" ".join(one.split()) for one in value.split(",")) if isinstance(value, str) else value


_WHY = {
    "finance": "banking, trust and insurance words need a regulator's letter in every state",
    "profession": "the name of a licensed profession needs its board's letter in every state",
    "government": "no name may suggest a government agency",
    "consent": "by the state's own list it is barred or needs an authority's consent",
    "other form": "by the state's own list it says another legal form",
}
# Which forms' words no LLC may carry where other forms are barred.
_OF_OTHER_FORMS = {"llc": ("corporation", "partnership"), "corporation": ("llc", "partnership")}


@dataclass(frozen=True)
class Found:
    """A controlled word in the name, and why it is controlled."""

    word: str
    why: str

    def as_row(self) -> dict[str, str]:
        """As the verdict's JSON shows it."""
        return {"word": self.word, "why": self.why}


class Ending(NamedTuple):
    """The designator a name ends in: its words as they were written, and the form it says (llc, corporation, …)."""

    words: str
    form: str


def ending(name: str) -> Ending | None:
    """The designator at the end of a name; None: it has none."""
    parts = keys.plain_words(name)
    width = keys.designator_width(parts)
    form = designator_form(parts[len(parts) - width :]) if width else None
    if form is None:
        return None
    written = name.split()
    for count in range(1, len(written) + 1):  # the fewest words at the end that say the whole of it
        tail = keys.plain_words(" ".join(written[-count:]))
        if len(tail) >= width:
            said = " ".join(written[-count:]) if len(tail) == width else " ".join(parts[-width:])
            return Ending(said.strip("\"'(), "), form)
    return Ending(" ".join(parts[-width:]), form)


@lru_cache(maxsize=1)
def everywhere() -> Everywhere:
    """The words controlled everywhere. Raises ConfigError naming the field that is wrong."""
    text = (resources.files("pw_pipelines.jurisdictions") / _FILE).read_text(encoding="utf-8")
    return read_entry(text, Everywhere, file=f"jurisdictions/{_FILE}")


def find(where: Jurisdiction, name: str, form: EntityForm) -> tuple[Found, ...]:
    """Controlled words in the name, by whole words, singular or plural; each once, the state's own list first.

    The designator at the end is read apart from the other words: `Inc.` there is no barred word of a corporation,
    but it is one of an LLC where words of other forms are barred.
    """
    parts = keys.plain_words(name)
    width = keys.designator_width(parts)
    inside, at_end = parts[: len(parts) - width], parts[len(parts) - width :]
    found: dict[str, str] = {}
    for word in where.restricted_words.words:
        is_form = word.kind == "other form"
        if is_form and form != "llc":
            continue  # the lists read speak of LLCs
        wrong_end = is_form and designator_form(at_end) in _OF_OTHER_FORMS["llc"] and _stands_in(word.word, at_end)
        if _stands_in(word.word, inside) or wrong_end:
            found.setdefault(word.word, _WHY[word.kind])
    if where.restricted_words.other_forms_barred:
        for said in _other_forms(inside, at_end, form):
            if not any(_same(said, word) for word in found):
                found.setdefault(said, f"words of another legal form are barred in the name of {_a(form)}")
    for kind, listed in everywhere():
        for word in listed:
            if _stands_in(word, inside) and not any(_same(word, other) for other in found):
                found.setdefault(word, _WHY[kind])
    return tuple(Found(word, why) for word, why in found.items())


def _other_forms(inside: list[str], at_end: list[str], form: EntityForm) -> list[str]:
    barred = _OF_OTHER_FORMS[form]
    said = [part for part in inside if part == "partnership" or words().designators.get(part) in barred]
    if at_end and designator_form(at_end) in barred:
        said.append(" ".join(at_end))
    return said


def _a(form: EntityForm) -> str:
    return "an LLC" if form == "llc" else "a corporation"


def _same(one: str, other: str) -> bool:
    return _folded(one) == _folded(other)


@lru_cache(maxsize=4_096)  # the listed words are folded for every name that is asked for
def _folded(phrase: str) -> tuple[str, ...]:
    return tuple(stems.singular(part) for part in keys.plain_words(phrase))


def _stands_in(phrase: str, parts: list[str]) -> bool:
    said = _folded(phrase)
    if len(said) > len(parts):
        return False
    folded = tuple(map(stems.singular, parts))
    return any(folded[at : at + len(said)] == said for at in range(len(folded) - len(said) + 1))
