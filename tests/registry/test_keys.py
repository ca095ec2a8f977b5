"""The keys that find candidates: coarse enough for every state, and not so coarse that they find nothing."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_pipelines.registry import keys, stems
from pw_pipelines.registry.keys import is_all_little, many, name_keys
from pw_pipelines.registry.lookup import lookup_keys
from pw_pipelines.registry.stems import WORD_STEPS
from pw_pipelines.registry.words import words


def key(name: str) -> str:
    return name_keys(name)[0]


SAME = [
    ("The Blue Fox LLC", "Blue Foxes, Inc."),
    ("A.B.C. Movers, L.L.C.", "ABC MOVERS"),
    ("A B C Movers P. A.", "A & B & C Movers PA"),
    ("SUNNY RENTALS,LLC", 'Sunny Rental "LLC"'),
    ("Four Kwik Brothers Limited Liability Company", "4 Quick Bros L3C"),
    ("Fox & Hound", "Fox and Hound"),
    ("O'Brien’s Harbour", "OBriens Harbor"),
    ("Café Jalapeño S.A.R.L.", "CAFE JALAPENO SARL"),
    ("www.bluefox.com LLC", "BlueFox"),
    ("Don't Stop", "Do Not Stop"),
    ("Fox Company of Peoria Co.", "Fox of Peoria"),
    ("Wolves of Main Street", "Wolf Main St."),
    ("Cleaning Ladies", "Cleaned Lady"),
    ("Wal-Mart", "Walmart"),
    ("3rd Fox", "Third Fox"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_names_that_some_state_holds_to_be_the_same_have_one_key(one: str, other: str) -> None:
    assert key(one) == key(other)


DIFFERENT = [
    ("Blue Fox", "Blue Wolf"), ("Fox 4", "Fox 5"), ("Fox Blue", "Blue Fox"), ("Fox General LLC", "Fox LLC"),
    ("Rose Garden", "Rows Garden"), ("Sterling", "Stirling"), ("Fox Association LLC", "Fox LLC"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_names_have_other_keys(one: str, other: str) -> None:
    assert key(one) != key(other)


def test_word_order_and_sound_are_the_near_keys() -> None:
    assert name_keys("Amber Fox")[1] == name_keys("Fox Amber LLC")[1] == name_keys("Ambur Phox")[1]


def _vocabulary() -> list[str]:
    known = words()
    tables = (known.numbers, known.abbreviations, known.spellings, known.irregular_plurals, known.contractions)
    spoken = {part for table in tables for pair in table.items() for text in pair for part in text.split()}
    spoken |= known.little | {"company", "limited", "liability", "fox", "berry", "house", "king", "wedding", "spring"}
    return sorted(spoken | {word + ending for word in spoken for ending in ("s", "es", "ed", "ing")})


def test_whatever_a_state_ignores_of_a_word_leaves_the_key_alone() -> None:
    """Each step alone and in any order: or a state that ignores plurals but not numerals would miss its candidates."""
    moved = [
        (word, step.__name__, step(word))
        for word in _vocabulary()
        for step in WORD_STEPS
        if key(f"amber {word} fox") != key(f"amber {step(word)} fox")
    ]
    assert moved == []


@given(st.one_of(st.sampled_from(_vocabulary()), st.from_regex("[a-z0-9]{1,12}(ing|ed|es|e|i|y)?", fullmatch=True)))
def test_the_short_way_to_a_words_stem_leads_where_the_long_one_does(word: str) -> None:
    ignored = stems._never_telling() & {word, stems.stem(word), stems.singular(word)}
    assert stems.telling(word) == ("" if ignored else stems.stem(word))


@given(st.text(min_size=0, max_size=40))
def test_any_text_has_keys_or_none_and_never_fails(text: str) -> None:
    name_key, near_key = name_keys(text)
    assert name_key == "" or (name_key.isascii() and name_key.isalnum() and near_key)
    assert bool(name_key) == bool(keys.plain_words(text))
    assert lookup_keys(text)[:1] == ((name_key,) if name_key else ())


@given(st.lists(st.one_of(st.none(), st.text(alphabet="ab &.,'éLC ", max_size=20)), max_size=8))
def test_many_are_the_same_keys_one_by_one(names: list[str | None]) -> None:
    found, near = many(names)
    assert found == [key(name) or None if name else None for name in names]
    assert near == [name_keys(name)[1] or None if name else None for name in names]


@settings(max_examples=60)
@given(
    parts=st.lists(
        st.sampled_from(["the", "fox", "on", "yx", "four", "a", "den", "intl", "blue"]), min_size=2, max_size=4
    ),
    random=st.randoms(use_true_random=False),
)
def test_words_written_together_are_looked_up(parts: list[str], random: Random) -> None:
    """One word in two, any neighbours together: the other's key is among those looked up, in both directions."""
    at = random.randrange(len(parts) - 1)
    together = [*parts[:at], parts[at] + parts[at + 1], *parts[at + 2 :]]
    one, other = " ".join(parts) + " LLC", " ".join(together) + " LLC"

    assert key(other) in lookup_keys(one)
    assert key(one) in lookup_keys(other)


def test_lookups_are_bounded() -> None:
    assert len(lookup_keys("Interstate Commerce and Navigation Holdings of the Northern Atlantic Seaboard LLC")) <= 120


def test_a_name_of_little_words_alone_keeps_them() -> None:
    assert is_all_little("The Of LLC") and not is_all_little("The Fox LLC")
    assert key("The Of LLC") != key("The And LLC") != ""


@pytest.mark.parametrize("name", ["", " ", "!!!", "株式会社"])
def test_a_text_without_a_latin_letter_or_digit_has_no_key(name: str) -> None:
    assert name_keys(name) == ("", "")
    assert lookup_keys(name) == ()
