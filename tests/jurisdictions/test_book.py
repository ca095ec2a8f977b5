"""The jurisdictions' data files: all 52, each value with its source, and what happens when one is wrong."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.jurisdictions.book import book, jurisdiction, read_file
from pw_pipelines.jurisdictions.features import FOUND_NEAR, Feature
from pw_pipelines.jurisdictions.fees import all_fees, shown
from pw_pipelines.jurisdictions.model import EVERYWHERE

DATA = Path(__file__).resolve().parents[2] / "pw_pipelines" / "jurisdictions" / "data"


def test_there_are_the_50_states_dc_and_british_columbia() -> None:
    assert len(book()) == 52
    assert {"DC", "BC", "WY", "FL"} <= set(book())
    assert list(book()) == sorted(book())


def test_every_value_has_a_source_that_is_named() -> None:
    for fee in all_fees():
        assert len(fee.source) > 20 and fee.confidence in {"high", "medium", "low", "unknown"}


def test_the_data_set_under_cc_by_is_credited_where_its_fees_stand() -> None:
    from_it = [fee for fee in all_fees() if "StartupSole" in fee.source]
    assert len(from_it) > 150
    assert all("CC BY 4.0" in fee.source and "5cb4985" in fee.source for fee in from_it)
    assert all(fee.checked_on is not None for fee in from_it if fee.amount is not None)


@pytest.mark.parametrize(("state", "fee"), [("KS", "annual_report"), ("UT", "corporation_formation")])
def test_an_unknown_fee_stays_unknown_and_says_why(state: str, fee: Any) -> None:
    amount = jurisdiction(state).fees[fee]
    assert amount.value is None and amount.confidence == "unknown"
    assert amount.words is not None and len(amount.words) > 20
    assert next(shown(one) for one in all_fees() if (one.state, one.fee) == (state, fee)) == "unknown"


FEES = [
    ("DE", "franchise_tax_minimum", "400"), ("LA", "llc_formation", "125"), ("LA", "annual_report", "35"),
    ("VT", "llc_formation", "155"), ("NJ", "llc_formation", "125"), ("PA", "annual_report", "7"),
    ("CA", "franchise_tax_minimum", "800"), ("FL", "annual_report", "138.75"), ("TX", "name_reservation", "41.08"),
    ("WV", "corporation_formation", "100"), ("BC", "annual_report", "43.39"), ("BC", "name_change", "100"),
    ("OH", "franchise_tax_minimum", "0"), ("NV", "corporation_formation", "725"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "fee", "amount"), FEES)
def test_fees_that_older_lists_have_wrong(state: str, fee: Any, amount: str) -> None:
    assert jurisdiction(state).fees[fee].value == Decimal(amount)


def test_british_columbia_counts_in_canadian_dollars() -> None:
    assert jurisdiction("bc").currency == "CAD"
    assert {one.currency for one in all_fees() if one.state != "BC"} == {"USD"}
    assert next(shown(one) for one in all_fees() if (one.state, one.fee) == ("BC", "annual_report")) == "C$43.39"


def test_who_must_publish() -> None:
    required = {
        code: where.publication.required_for for code, where in book().items() if where.publication.required_for
    }
    assert required == {
        "AZ": ("llc", "corporation"), "GA": ("corporation",), "NE": ("llc", "corporation"), "NY": ("llc",),
        "PA": ("corporation",),
    }  # fmt: skip


def test_expedited_service_is_cut_into_steps_where_the_words_allow() -> None:
    steps = [(step.words, step.amount) for step in jurisdiction("NY").expedited.options]
    assert steps == [("24 hours", Decimal(25)), ("same day", Decimal(75)), ("2 hours", Decimal(150))]
    assert jurisdiction("DE").expedited.options[0].amount is None  # a range: next day 50-100
    assert jurisdiction("KS").expedited.options == ()


def test_no_portal_is_called_open_before_somebody_read_its_terms() -> None:
    stances = {code: where.automation.stance for code, where in book().items()}
    assert "open" not in stances.values()
    assert {code for code, stance in stances.items() if stance == "forbidden"} == {
        "DC", "DE", "IL", "KS", "LA", "MA", "OK", "VA",
    }  # fmt: skip
    assert stances["WY"] == stances["MI"] == stances["WA"] == stances["CA"] == "challenge"


def test_every_feature_is_ignored_honoured_or_not_confirmed_in_every_state() -> None:
    for where in book().values():
        rule = where.name_test
        said = [*rule.ignores, *rule.honours, *rule.unconfirmed]
        assert sorted(said) == sorted(Feature)
        assert not FOUND_NEAR & set(rule.ignores)
        assert set(EVERYWHERE) <= set(where.fees)


def test_an_unknown_code_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'ZZ' is no jurisdiction; known: AK, AL"):
        jurisdiction("ZZ")


def spoilt(tmp_path: Path, *path: str | int, value: object) -> Path:
    """Ohio's file with one value changed."""
    data = yaml.safe_load((DATA / "oh.yaml").read_text())
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    file = tmp_path / "oh.yaml"
    file.write_text(yaml.safe_dump(data))
    return file


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("fees", "llc_formation", "value"), None, "fees.llc_formation"),
        (("fees", "llc_formation", "value"), 138.75, "not in quotes"),
        (("fees", "llc_formation", "source"), "hearsay", "hearsay"),
        (("fees", "entrance"), {"value": 1, "source": "dataset", "confidence": "high"}, "entrance"),
        (("automation", "stance"), "perhaps", "automation.stance"),
        (("name_test", "ignores"), ["case"], "nowhere: .*designator"),
        (("name_test", "honours"), ["word_order", "sound", "case"], "twice: .*case"),
        (("restricted_words", "was_read"), False, "nobody read"),
        (("nickname",), "Buckeye", "nickname"),
        (("code",), "OK", "must be named after its code"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(tmp_path: Path, path: tuple[str, ...], value: object, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"jurisdictions/data/oh\.yaml(?s:.*){words}"):
        read_file(spoilt(tmp_path, *path, value=value))
