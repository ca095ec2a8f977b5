"""Names stored under other keys than today's are never said to be absent, and are keyed anew by the next copy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cached_property

import pytest

from pw_pipelines.faults import VARIABLE, InjectedFault
from pw_pipelines.registry import key_version, keys
from pw_pipelines.registry.key_version import version
from pw_pipelines.registry.words import words
from tests.registry.florida import Company
from tests.registry.houses import QUARTER, House

FOX = Company("L00000000001", "BLUE FOXES LLC")
OWL = Company("P00000000002", "GREY OWL INC", kind="DOMP")

# Every step of making a key, on words of every kind; endings and marks multiply them to some 200 names.
STEMS = (
    "BLUE FOX", "The Foxes of Tampa", "O'Brien & Sons", "A B C Plumbing", "A. & B. Roofing", "Four Seasons IV",
    "Twentyone Palms", "Kwik Nite Centre", "Int'l Bros. Svcs", "Café Münchën ß", "Don't Stop Cleaning", "XXI Century",
    "www.fox.com", "100% Pure_Water", "Children's Churches", "Knives + Wolves", "Wright Knight Photo", "Of The And",
    "Planned Carried Housing", "Canvas CDs 1980s", "El Toro y La Vaca", "Company Limited", "日本 Tea",
    "Buses Glasses Taxis", "Excise Cycle Ace",
    "Massachusetts Bees", "St. Mary’s – North", "Berries Boxes Buzzes", "Fox—Owl…Elk",
    "1st 2nd Third",
)  # fmt: skip
ENDINGS = ("", " LLC", ", L.L.C.", " Inc.", " L L C", " Limited Liability Company", ".com", " Co., Ltd.", ", Inc., The")
NAMES = [stem + ending for stem in STEMS for ending in ENDINGS]


def keys_digest() -> str:
    return hashlib.sha256("\n".join("|".join(keys.name_keys(name)) for name in NAMES).encode()).hexdigest()[:16]


def test_keys_that_change_have_another_version() -> None:
    """If this fails, other keys are made: raise EDITION, pin the new pair. words.yaml changes it by itself."""
    assert len(NAMES) > 200
    assert (version(), keys_digest()) == PINNED


def test_the_version_does_not_depend_on_what_was_asked_of_the_words_before() -> None:
    version.cache_clear()
    fresh = version()
    for derived in dir(type(words())):
        if isinstance(getattr(type(words()), derived), cached_property):
            getattr(words(), derived)
    version.cache_clear()
    assert version() == fresh


PINNED = ("2-acc5e323ec95", "9167f85275456d4f")


@pytest.fixture
def other_keys() -> Iterator[Callable[[], None]]:
    """Begins under keys that keep the plural; called, goes on to today's."""
    with pytest.MonkeyPatch.context() as before:
        before.setattr("pw_pipelines.registry.keying.many", _plain_keys)
        before.setattr(key_version, "EDITION", 0)
        version.cache_clear()

        def go_on() -> None:
            before.undo()
            version.cache_clear()

        yield go_on
    version.cache_clear()


def _plain_keys(names: list[str | None]) -> tuple[list[str | None], list[str | None]]:
    plain = [name.lower() if name else None for name in names]
    return plain, plain


def test_a_register_under_older_keys_is_no_proof_of_absence(house: House, other_keys: Callable[[], None]) -> None:
    house.whole(FOX, OWL)
    assert house.coverage(QUARTER).is_usable

    other_keys()

    known = house.coverage(QUARTER)
    assert house.found("Blue Fox LLC") == {}
    assert not known.is_usable
    assert "2 copies were loaded under older comparison keys; load it again" in str(known.why_not)


def test_the_same_copy_taken_again_keys_it_anew(house: House, other_keys: Callable[[], None]) -> None:
    first = house.whole(FOX, OWL)
    house.daily(QUARTER, Company("L00000000003", "RED ELKS LLC"))
    other_keys()
    tables = house.tables()

    again = house.whole(FOX, OWL, events=False)

    assert (again.snapshot_id, again.loaded_at, house.tables()) == (first.snapshot_id, first.loaded_at, tables)
    assert house.found("Blue Fox LLC") == {FOX.number: FOX.name}
    assert house.found("Red Elk") == {"L00000000003": "RED ELKS LLC"}, "what other copies told is keyed anew too"
    assert house.coverage(QUARTER).is_usable


def test_names_in_events_are_keyed_anew_too(house: House, other_keys: Callable[[], None]) -> None:
    house.whole(FOX)
    with house.db.connect() as connection:
        connection.execute(
            "insert into registry.events (state, entity_id, sequence, code, name, name_key, snapshot_id) "
            "values ('FL', 'L00000000009', '00001', 'CORE', 'PINK HERONS LLC', 'pink herons llc', 'x')"
        )
    other_keys()

    house.whole(FOX)

    assert "PINK HERONS LLC" in house.found("Pink Heron").values()


def test_a_stop_while_keys_are_made_anew_leaves_the_old_ones_and_is_made_up_for(
    house: House, other_keys: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.whole(FOX)
    other_keys()
    monkeypatch.setenv(VARIABLE, "registry.rekeying.before_commit:raise")
    with pytest.raises(InjectedFault):
        house.whole(FOX)
    monkeypatch.delenv(VARIABLE)

    assert (house.found("Blue Fox"), house.coverage(QUARTER).is_usable) == ({}, False)
    house.whole(FOX)
    assert (set(house.found("Blue Fox")), house.coverage(QUARTER).is_usable) == ({FOX.number}, True)
