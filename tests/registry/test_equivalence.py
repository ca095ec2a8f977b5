"""Each state's test of two names: what it ignores makes no difference, what it honours always does."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_pipelines.jurisdictions.book import book
from pw_pipelines.jurisdictions.features import FOUND_NEAR, Feature
from pw_pipelines.jurisdictions.model import NameTest
from pw_pipelines.registry import keys
from pw_pipelines.registry.equivalence import compare, lookup_keys, loose_key, strict_key
from tests.registry.variations import SLOTS, Name, base, changed, slot_changed, sounding_alike

STATES = sorted(book())
MOST_CHANGES = 4
# Features after which no other is applied: they leave no plain word to change.
LAST = (Feature.SPACES,)
# One of these in one of two names: `lookup_keys` promises no more.
ODD = (Feature.SPACES, Feature.PUNCTUATION, Feature.ADDED_NUMBER, Feature.STATE_WORDS)


def varied(random: Random, name: Name, slots: dict[int, Feature], rule: NameTest, features: set[Feature], *,
           loose: bool, is_usual: bool = False) -> Name:  # fmt: skip
    """The name with up to MOST_CHANGES changes in `features` alone; none of the odd ones where it is to be usual."""
    changes = [feature for feature in features if feature not in SLOTS]
    chosen = random.sample(changes, min(len(changes), random.randint(1, MOST_CHANGES)))
    chosen.sort(key=lambda feature: (feature in LAST, feature is Feature.PUNCTUATION, feature is Feature.POSSESSIVE))
    odd = [feature for feature in chosen if feature in ODD]
    chosen = [feature for feature in chosen if feature not in odd[0 if is_usual else 1 :]]
    if loose and odd:
        chosen = odd[:1]
    for at, feature in slots.items():
        if feature in features and not (loose and odd):
            name = slot_changed(random, name, at, feature)
    for feature in chosen:
        name = changed(random, name, feature, rule, loose=loose)
    return name


@pytest.mark.parametrize("state", STATES)
@settings(max_examples=12, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_names_that_differ_in_what_the_state_ignores_are_the_same_and_are_found(state: str, random: Random) -> None:
    rule = book()[state].name_test
    name, slots = base(random)
    one, other = (
        varied(random, name, slots, rule, set(rule.ignores), loose=False, is_usual=is_usual).text()
        for is_usual in (True, False)
    )

    assert compare(rule, one, other) == "same", (one, other, strict_key(rule, one), strict_key(rule, other))
    assert keys.name_keys(other)[0] in lookup_keys(rule, one)


@pytest.mark.parametrize("state", STATES)
@settings(max_examples=8, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_names_that_differ_in_what_may_be_ignored_are_never_called_different(state: str, random: Random) -> None:
    rule = book()[state].name_test
    features = {*rule.ignores, *rule.unconfirmed} - FOUND_NEAR - {Feature.STATE_WORDS}
    name, slots = base(random)
    one, other = name.text(), varied(random, name, slots, rule, features, loose=True).text()

    assert compare(rule, one, other) != "different", (one, other, loose_key(rule, one), loose_key(rule, other))
    assert keys.name_keys(other)[0] in lookup_keys(rule, one)


@pytest.mark.parametrize("state", STATES)
@settings(max_examples=8, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_names_that_differ_in_what_the_state_honours_are_never_the_same(state: str, random: Random) -> None:
    rule = book()[state].name_test
    name, slots = base(random)
    for feature in rule.honours:
        if feature in SLOTS:
            others = [slot_changed(random, name, at, feature) for at, slot in slots.items() if slot is feature]
        else:
            others = [changed(random, name, feature, rule)]
        for other in others:
            if feature is Feature.INITIALS and "." in other.text() and Feature.PUNCTUATION in rule.ignores:
                continue  # the full stops are ignored: A.B.C. is ABC, A B C is not
            if feature is Feature.DESIGNATOR and other.end.replace(",", "").replace(".", "") == name.end:
                continue  # marks are ignored: `, L.L.C.` is LLC, L L C is not
            if other.text() != name.text():
                assert compare(rule, name.text(), other.text()) != "same", (feature, name.text(), other.text())


@pytest.mark.parametrize("state", STATES)
@settings(max_examples=5, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_another_word_is_another_name(state: str, random: Random) -> None:
    rule = book()[state].name_test
    name, _ = base(random)
    other = name.with_word(random.choice(name.plain), "quartz")

    assert compare(rule, name.text(), other.text()) == "different"


@pytest.mark.parametrize("mark", "-()")
def test_colorado_honours_hyphen_and_parentheses(mark: str) -> None:
    rule = book()["CO"].name_test
    assert compare(rule, "Blue Fox LLC", f"Blue{mark}Fox LLC") == "different"
    assert compare(rule, "Blue Fox LLC", "BLUE F.O'X_, LLC") == "same"


def test_the_fox_is_one_name_in_wyoming_and_utah_and_two_in_colorado() -> None:
    states = book()
    assert compare(states["WY"].name_test, "The Blue Fox LLC", "Blue Foxes, Inc.") == "same"
    assert compare(states["UT"].name_test, "The Blue Fox LLC", "Blue Foxes, Inc.") == "same"
    assert compare(states["CO"].name_test, "Blue Fox LLC", "Blue Fox Inc") == "different"


def test_what_is_found_near_is_in_no_key() -> None:
    """Word order and sound need near names: no state's key may lean on them."""
    for where in book().values():
        assert not FOUND_NEAR & set(where.name_test.ignores)
        assert compare(where.name_test, "Amber Fox LLC", "Fox Amber LLC") == "different"
        assert compare(where.name_test, "Amber Fox LLC", f"Amber {sounding_alike('Fox')} LLC") == "different"


def test_words_written_together_are_the_same_letters_where_spaces_count_for_nothing() -> None:
    rule = book()["AZ"].name_test
    for one, other in (("The Blue Fox LLC", "TheBlueFox LLC"), ("Onyx LLC", "On Yx LLC"), ("Foxes Den", "FoxesDen")):
        assert compare(rule, one, other) == "same"
        assert keys.name_keys(other)[0] in lookup_keys(rule, one)
        assert keys.name_keys(one)[0] in lookup_keys(rule, other)


def test_the_words_vermont_and_green_mountains_make_no_difference_in_vermont() -> None:
    rule = book()["VT"].name_test
    for other in ("Vermont Blue Fox Inc", "Blue Fox of Vermont LLC", "Green Mountains Blue Fox LLC"):
        assert compare(rule, "Blue Fox LLC", other) == "same"
        assert keys.name_keys(other)[0] in lookup_keys(rule, "Blue Fox LLC")
    assert compare(rule, "Blue Fox LLC", "Ohio Blue Fox LLC") == "different"


def test_a_second_designator_is_no_sure_designator() -> None:
    rule = book()["WY"].name_test
    assert compare(rule, "Blue Fox Company, LLC", "Blue Fox Inc.") == "perhaps"
    assert compare(rule, "Blue Fox General LLC", "Blue Fox LLC") == "different"


def test_a_name_of_little_words_keeps_them() -> None:
    rule = book()["FL"].name_test
    assert strict_key(rule, "The And LLC") == "the and"
    assert compare(rule, "The LLC", "A LLC") == "different"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Blue Handyman LLC", "Blue Handymen Inc"), ("Blue Hero LLC", "Blue Heroes Inc"), ("Foodie LLC", "Foodies Inc"),
        ("Oasis LLC", "Oases LLC"), ("Grandchild LLC", "Grandchildren LLC"), ("Dwarf Den LLC", "Dwarves Den LLC"),
    ],
)  # fmt: skip
def test_plurals_that_no_s_makes_are_plurals_in_florida(one: str, other: str) -> None:
    rule = book()["FL"].name_test
    assert compare(rule, one, other) == compare(rule, other, one) == "same"
    assert keys.name_keys(other)[0] in lookup_keys(rule, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Canva LLC", "Canvas LLC"), ("Blue New LLC", "Blue News LLC"), ("Texa LLC", "Texas LLC"), ("CD LLC", "CDs LLC"),
     ("Iris LLC", "Irises LLC"), ("1980 LLC", "1980s LLC")],
)  # fmt: skip
def test_a_word_in_s_that_may_be_no_plural_is_a_persons_to_judge(one: str, other: str) -> None:
    rule = book()["FL"].name_test
    assert compare(rule, one, other) == compare(rule, other, one) == "perhaps"
    assert keys.name_keys(other)[0] in lookup_keys(rule, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [("21 Grill LLC", "Twenty-One Grill LLC"), ("21 Grill LLC", "Twenty One Grill LLC"), ("Rocky V LLC", "Rocky 5 LLC"),
     ("Rocky XXI LLC", "Rocky 21 LLC"), ("100 Oaks LLC", "One Hundred Oaks LLC")],
)  # fmt: skip
def test_a_number_is_perhaps_the_same_however_it_is_written(one: str, other: str) -> None:
    rule = book()["FL"].name_test
    for asked, held in ((one, other), (other, one)):
        assert compare(rule, asked, held) == "perhaps"
        assert keys.name_keys(held)[0] in lookup_keys(rule, asked)


@pytest.mark.parametrize("held", ["Fox.com LLC", "Fox.Inc LLC", "Fox.LLC", "Fox,Den,LLC", "www.Fox LLC"])
def test_what_colorados_full_stop_or_comma_parts_is_found_without_it(held: str) -> None:
    rule = book()["CO"].name_test
    asked = held.replace(".", "").replace(",", "")
    assert compare(rule, asked, held) == "same"
    assert keys.name_keys(held)[0] in lookup_keys(rule, asked)
    assert keys.name_keys(asked)[0] in lookup_keys(rule, held)


@pytest.mark.parametrize("held", ["RENTALSLLC", "RENTALS LL C", "RENTALS,LLC"])
def test_a_designator_written_together_or_torn_is_no_other_name(held: str) -> None:
    rule = book()["FL"].name_test
    assert compare(rule, "Rentals LLC", held) != "different"
    assert keys.name_keys(held)[0] in lookup_keys(rule, "Rentals LLC")
    assert keys.name_keys("Rentals LLC")[0] in lookup_keys(rule, held)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Fox Assn LLC", "Fox Association LLC"), ("Fox Ave LLC", "Fox Avenue LLC"), ("I'm Fox LLC", "I Am Fox LLC"),
     ("Built Fox LLC", "Build Fox LLC")],
)  # fmt: skip
def test_illinois_ignores_abbreviations_contractions_and_tenses(one: str, other: str) -> None:
    rule = book()["IL"].name_test
    assert compare(rule, one, other) == "same"
    assert keys.name_keys(other)[0] in lookup_keys(rule, one)
    assert keys.name_keys(one)[0] in lookup_keys(rule, other)


SHORT = ("El", "Di", "Des", "Du", "Un", "In", "X", "Il", "Zu", "D", "Y", "V", "Les")


@pytest.mark.parametrize("state", ["FL", "IA", "CT", "PA", "OR", "NY", "IL"])
@pytest.mark.parametrize("word", SHORT)
def test_a_possessive_of_a_word_that_the_key_leaves_out_is_found_both_ways(state: str, word: str) -> None:
    rule = book()[state].name_test
    one, other = f"{word}'s Walnut Diner LLC", f"{word.upper()} WALNUT DINER LLC"

    assert compare(rule, one, other) != "different"
    assert keys.name_keys(other)[0] in lookup_keys(rule, one)
    assert keys.name_keys(one)[0] in lookup_keys(rule, other)


@pytest.mark.parametrize(("state", "said"), [("FL", "same"), ("IL", "same"), ("IA", "perhaps"), ("CO", "different")])
@pytest.mark.parametrize(
    ("one", "other"),
    [("Blue Fox LLC", "BLUE FOX LLC, THE"), ("The Blue Fox LLC", "BLUE FOX, LLC (THE)"),
     ("Blue Fox Limited Liability Company", "BLUE FOX LIMITED LIABILITY COMPANY, THE")],
)  # fmt: skip
def test_an_article_behind_the_designator_stands_for_one_before_the_name(
    one: str, other: str, state: str, said: str
) -> None:
    rule = book()[state].name_test

    assert compare(rule, one, other) == said
    assert keys.name_keys(one)[0] == keys.name_keys(other)[0]
