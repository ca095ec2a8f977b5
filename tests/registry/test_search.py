"""Names are found under every key that some state's test makes the same, and near ones by sound, order and slips."""

from __future__ import annotations

import re

import pytest

from pw_pipelines.registry import keys, near, search
from pw_pipelines.registry.partitions import LONGEST_LENGTH, serving
from tests.registry.florida import Company
from tests.registry.houses import TODAY, House

NAMES = [
    "BLUE FOX LLC", "THE BLUE FOXES, INC.", "FOX BLUE LLC", "BLEW FOX LLC", "BLUE FOG LLC", "BLUE FOX MEDIA LLC",
    "O'BRIEN & SONS LLC", "100% PURE_WATER LLC", "RENTALS,LLC", 'SKY "LLC"', "SMITH PLUMBING SERVICES LLC",
    "SMYTH PLUMBING SERVICES LLC", "SMITH PLUMBNIG SERVICES LLC", "PLUMBING SERVICES OF SMITH LLC",
    "CAFÉ MONET LLC", "FLORIDA " + "VERY " * 30 + "LONG LLC", "FLORIDA " + "VERY " * 30 + "LONE LLC",
]  # fmt: skip


@pytest.fixture
def filled(house: House) -> House:
    house.whole(*(Company(f"L{number:011}", name) for number, name in enumerate(NAMES)))
    return house


def nearest(house: House, name: str) -> dict[str, str]:
    """name -> how it is near."""
    with house.db.connect() as connection:
        return {one.name: one.how for one in search.near(connection, "FL", name)}


@pytest.mark.parametrize(
    ("asked", "stands"),
    [
        ("Blue Fox", ["BLUE FOX LLC", "THE BLUE FOXES, INC."]),
        ("blue fox, l.l.c.", ["BLUE FOX LLC", "THE BLUE FOXES, INC."]),
        ("OBrien and Son", ["O'BRIEN & SONS LLC"]),
        ("100% Pure_Water", ["100% PURE_WATER LLC"]),
        ("Rental", ["RENTALS,LLC"]),
        ("Sky", ['SKY "LLC"']),
        ("Cafe Monet", ["CAFÉ MONET LLC"]),
        ("Blue Wolf", []),
    ],
)
def test_a_name_is_found_however_it_is_written(filled: House, asked: str, stands: list[str]) -> None:
    assert sorted(filled.found(asked).values()) == sorted(stands)


def test_keys_longer_than_the_index_counts_are_still_told_apart(filled: House) -> None:
    asked = NAMES[-2]

    assert len(asked) > LONGEST_LENGTH
    assert list(filled.found(asked).values()) == [asked]
    assert NAMES[-1] in nearest(filled, asked)


def test_near_names_say_how_they_are_near(filled: House) -> None:
    found = nearest(filled, "Blue Fox LLC")

    assert found["FOX BLUE LLC"] == "word order"
    assert found["BLEW FOX LLC"] == "sound"
    assert "BLUE FOX LLC" not in found
    assert "THE BLUE FOXES, INC." not in found
    assert nearest(filled, "Smith Plumbing Services")["SMITH PLUMBNIG SERVICES LLC"] == "typo"
    assert nearest(filled, "Smith Plumbing Services")["PLUMBING SERVICES OF SMITH LLC"] == "word order"


@pytest.mark.parametrize(
    ("asked", "unlike"),
    [("Blue Fox LLC", "BESTAFOX, INC."), ("Zaova LLC", "CISVEVFOV LLC"), ("Blue Fox LLC", "BLUES LLC"),
     ("Fox LLC", "FIG LLC"), ("Kite LLC", "CODE LLC")],
)  # fmt: skip
def test_names_that_share_a_coarse_key_only_are_not_called_near(asked: str, unlike: str) -> None:
    key, near_key = keys.name_keys(unlike)
    assert near.ranked(asked, [near.Candidate("1", unlike, "A", key, near_key)]) == []


@pytest.mark.parametrize(
    ("asked", "like", "how"),
    [("Blue Fox LLC", "BLEW FOX, INC.", "sound"), ("Quick Phone LLC", "KWIK FONE LLC", "sound"),
     ("Blue Fox LLC", "BLUE FIX LLC", "sound"), ("The Blue Fox LLC", "BLUE FOXX OF LLC", "typo"),
     ("Fox Blue LLC", "BLEW FOX LLC", "sound"), ("Zaova LLC", "ZAOVIA LLC", "sound")],
)  # fmt: skip
def test_names_that_are_near_are_found_so(asked: str, like: str, how: str) -> None:
    key, near_key = keys.name_keys(like)
    (found,) = near.ranked(asked, [near.Candidate("1", like, "A", key, near_key)])
    assert found.how == how


@pytest.mark.parametrize("slip", ["Snith Plumbing Services", "Smith Plumbing Servicen", "Smih Plumbing Services"])
def test_a_slip_in_either_half_is_found(filled: House, slip: str) -> None:
    assert "SMITH PLUMBING SERVICES LLC" in nearest(filled, slip)


def test_at_most_ten_near_names_are_shown_the_most_like_first(house: House) -> None:
    house.whole(*(Company(f"L{n:011}", f"SILVER HERON BOAT{letter} LLC") for n, letter in enumerate("ABCDFGHIJKLMNOP")))

    with house.db.connect() as connection:
        found = search.near(connection, "FL", "Silver Heron Boat")

    assert len(found) == near.SHOWN
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_records_of_one_name_do_not_crowd_out_a_nearer_one(house: House) -> None:
    crowd = [Company(f"L{n:011}", "BLUE FOXAB LLC") for n in range(search.MOST_OF_A_KEY * 3)]
    house.whole(*crowd, Company("P00000000001", "BLUE FOC LLC"))

    with house.db.connect() as connection:
        found = search.near(connection, "FL", "Blue Fox")

    assert [one.name for one in found] == ["BLUE FOC LLC", *["BLUE FOXAB LLC"] * (near.SHOWN - 1)]


def test_keys_that_are_alike_are_read_from_the_indexes_alone(house: House) -> None:
    """A register that was just loaded is vacuumed before it serves; thousands of rows need not be fetched then.

    A page that the server writes to disk at that moment is passed over, so a few may be left.
    """
    house.whole(*(Company(f"L{n:011}", f"BLUE FOX {n} LLC") for n in range(3_000)))
    with house.db.connect() as connection:
        for other in ("seqscan", "bitmapscan"):
            connection.execute(f"set enable_{other} = off".encode())
        explain = b"explain (costs off) " + search._query(search._KEYS_ALIKE, "FL")
        plan = connection.execute(explain, search._stretches("blufox")).fetchall()
        [pages] = connection.execute(
            "select relpages as all, relallvisible as seen from pg_class where oid = %s::regclass",
            (f"registry.{serving(connection, 'FL')}",),
        )

    told = "\n".join(str(row["QUERY PLAN"]) for row in plan)
    assert "Index Only Scan using ix_entities_key" in told
    assert "Index Only Scan using ix_entities_reversed" in told
    assert pages["all"] > 40
    assert pages["seen"] > 0.9 * pages["all"]


@pytest.mark.parametrize("name", ["", "---", "%", "'; drop table registry.entities; --", "\\", "_%_%", "A", "日本"])
def test_odd_names_find_nothing_and_break_nothing(filled: House, name: str) -> None:
    assert filled.found(name) == {}
    nearest(filled, name)
    assert len(filled.register()) == len(NAMES)


def test_more_records_of_one_key_than_are_judged_is_said(house: House) -> None:
    from datetime import date

    same = [Company(f"L{n:011}", "BLUE FOX LLC", status="I") for n in range(search.MOST_SAME + 5)]
    house.whole(*same, Company("P00000000001", "BLUE FOX INC"), as_of=date(2026, 11, 21))

    with house.db.connect() as connection:
        records, is_capped = search.exact(connection, "FL", "Blue Fox")

    assert (len(records), is_capped) == (search.MOST_SAME, True)
    assert records[0].standing == "live"


@pytest.mark.parametrize(("stands", "is_read_for_it"), [("BLUE FOX INC", False), ("THE BLUE FOX INC", True)])
def test_one_record_in_the_way_is_found_behind_any_number_that_are_not(
    house: House, monkeypatch: pytest.MonkeyPatch, stands: str, is_read_for_it: bool
) -> None:
    """One with the words asked for is looked for by them; one that only the state's test takes for it, by all."""
    others = [Company(f"L{n:011}", "BLEUE FOX LLC") for n in range(search.ENOUGH + 5)]
    house.whole(*others, Company("P00000000001", stands))
    looked_at: list[bool] = []

    def exact(*asked: object, is_first: bool = False) -> object:
        looked_at.append(not is_first)
        return look(*asked, is_first=is_first)  # type: ignore[arg-type]

    look = search.exact
    monkeypatch.setattr(search, "exact", exact)
    with house.db.connect() as connection:
        verdict = search.judged(connection, "FL", "Blue Fox LLC", today=TODAY)

    assert (verdict.verdict, [one.id for one in verdict.blocking]) == ("taken", ["P00000000001"])
    assert any(looked_at) == is_read_for_it


def test_no_record_is_told_twice_however_it_was_found(house: House) -> None:
    others = [Company(f"L{n:011}", "BLEUE FOX LLC") for n in range(search.ENOUGH + 5)]
    house.whole(*others, *(Company(f"P{n:011}", "BLUE FOX INC") for n in range(search.ENOUGH)))

    with house.db.connect() as connection:
        verdict = search.judged(connection, "FL", "Blue Fox LLC", today=TODAY)

    told = [one.id for one in (*verdict.blocking, *verdict.near)]
    assert verdict.verdict == "taken"
    assert len(told) == len(set(told))


def test_of_many_records_with_the_name_a_few_are_enough_and_that_is_said(house: House) -> None:
    house.whole(*(Company(f"L{n:011}", "BLUE FOX LLC") for n in range(search.ENOUGH + 5)))

    with house.db.connect() as connection:
        verdict = search.judged(connection, "FL", "Blue Fox LLC", today=TODAY)

    assert (verdict.verdict, len(verdict.blocking)) == ("taken", search.ENOUGH)
    assert "There may be more records with this name's key; these were enough." in verdict.reasons


def test_a_name_in_an_event_is_a_candidate_of_its_own(house: House) -> None:
    house.whole(Company("L00000000001", "BLUE FOX MEDIA LLC"))
    with house.db.connect() as connection:
        connection.execute(
            "insert into registry.events values ('FL', 'L00000000001', '00001', 'CORE', 'NAME CHANGE', '2020-01-02', "
            "null, 'BLUE FOX LLC', 'blufox', 'x', 'x')"
        )
        (record,), _ = search.exact(connection, "FL", "Blue Fox")

    assert (record.name_kind, record.standing, record.status) == ("event", "unknown", "NAME CHANGE")


def test_a_search_touches_one_index_of_one_state(filled: House) -> None:
    with filled.db.connect() as connection:
        connection.execute("set enable_seqscan = off")  # so few rows would be read through
        asked = {"own": "+blufox", "others": ["+blifox"], "of_each": 6, "most": 6}
        plan = connection.execute(b"explain " + search._query(search._SAME, "FL"), asked).fetchall()

    told = "\n".join(str(row["QUERY PLAN"]) for row in plan)
    assert told.count("ix_entities_key") == 2
    assert set(re.findall(r"\bon (entities_[a-z]+)", told)) == {"entities_fl"}


def test_an_entity_that_changed_its_name_a_little_is_found_under_both_names(house: House) -> None:
    """BLUE FOX OF TAMPA has the key of BLUE FOX TAMPA, but is another name in Florida: its event tells the change."""
    house.whole(Company("L00000000001", "BLUE FOX OF TAMPA LLC"), Company("L00000000002", "RED FOX, LLC"))
    with house.db.connect() as connection:
        connection.execute(
            "insert into registry.events values "
            "('FL', 'L00000000001', '00001', 'CORE', 'NAME CHANGE', '2026-11-16', null, 'BLUE FOX TAMPA, LLC', %s, "
            "null, 'sunbiz_events_daily-2026-11-16-x'), "
            "('FL', 'L00000000002', '00001', 'CORE', 'NAME CHANGE', '2026-11-16', null, 'RED FOX LLC', %s, "
            "null, 'sunbiz_events_daily-2026-11-16-x')",
            (keys.name_keys("BLUE FOX TAMPA, LLC")[0], keys.name_keys("RED FOX LLC")[0]),
        )

    assert search.search(house.db, "FL", "Blue Fox Tampa LLC", today=TODAY).verdict == "a person must look"
    assert search.search(house.db, "FL", "Blue Fox of Tampa LLC", today=TODAY).verdict == "taken"
    assert set(house.found("Red Fox LLC")) == {"L00000000002"}, "its record tells the same name already"
