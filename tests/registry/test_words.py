"""`words.yaml`: the words that name comparison treats specially."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pw_pipelines.registry.words import Words, words


def test_a_variant_is_taken_for_one_word_only() -> None:
    with pytest.raises(ValidationError, match="'st' is taken for 'street' and for 'saint'"):
        Words.model_validate({**words().model_dump(), "abbreviations": {"street": "st", "saint": "st"}})


def test_maps_are_turned_so_that_every_variant_finds_its_word() -> None:
    known = words()
    assert known.numbers["four"] == known.numbers["iv"] == "4"
    assert known.abbreviations["saint"] == known.abbreviations["street"] == "st"
    assert known.irregular_plurals["women"] == "woman"


def test_designators_are_listed_by_their_last_word_longest_first() -> None:
    ends = words().designator_ends["company"]
    assert ends[-1] == ("company",)
    assert list(map(len, ends)) == sorted(map(len, ends), reverse=True)
    assert ("limited", "liability", "company") in ends


def test_every_designator_says_a_form() -> None:
    assert set(words().designators.values()) == {"llc", "corporation", "partnership", "any"}
    assert {words().designators[one] for one in ("llc", "l3c", "limited liability company")} == {"llc"}
    assert words().designators["pa"] == "corporation"


def test_words_are_plain() -> None:
    """Lower case ASCII without punctuation, or no word of a name would ever be one of them."""
    known = words()
    spoken = [*known.little, *known.dotcom, *known.numbers, *known.abbreviations, *known.spellings]
    spoken += [part for phrase in known.designators for part in phrase.split()]
    assert [word for word in spoken if not (word.isascii() and word.isalnum() and word == word.lower())] == []
