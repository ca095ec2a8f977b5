"""The file the bank is handed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pw_pipelines.commerce.ach import Account, Credit, Originator, ach_file, is_routing_number
from pw_pipelines.commerce.payouts import read_payouts
from pw_pipelines.errors import ConfigError

BANK = Originator(
    bank_name="First Example Bank", bank_routing="021000021", company_name="Example Firm", company_id="1234567890"
)
ADA = Account(
    reference="ada", holder="Ada Lovelacé", routing="011401533", number="1111", kind="checking", is_company=False
)
BOB = Account(
    reference="bob", holder="Bob & Sons", routing="091000019", number="22-22", kind="savings", is_company=True
)
CREATED = datetime(2026, 12, 1, 7, 30)  # noqa: DTZ001  # New York's wall clock, as the file says it
TEXT = ach_file(
    BANK,
    [Credit(ADA, Decimal("350.00"), "AGENT 1"), Credit(BOB, Decimal("100.05"), "AGENT 2")],
    created=CREATED,
    effective=date(2026, 12, 2),
)
ACCOUNTS = st.builds(
    Account,
    reference=st.just("x"),
    holder=st.text(min_size=1, max_size=40),
    routing=st.sampled_from(("021000021", "011401533", "091000019")),
    number=st.from_regex(r"[0-9A-Za-z-]{1,17}", fullmatch=True),
    kind=st.sampled_from(("checking", "savings")),
    is_company=st.booleans(),
)


def test_the_file_is_what_the_banks_format_says_column_by_column() -> None:
    zeros, nines = "0" * 12, "9" * 94
    assert TEXT.splitlines() == [
        "101 02100002112345678902612010730A094101FIRST EXAMPLE BANK     EXAMPLE FIRM                   ",
        "5220EXAMPLE FIRM                        1234567890PPDCOMMISSION261201261202   1021000020000001",
        "6220114015331111             0000035000AGENT 1        ADA LOVELACE            0021000020000001",
        f"82200000010001140153{zeros}0000000350001234567890                         021000020000001",
        "5220EXAMPLE FIRM                        1234567890CCDCOMMISSION261201261202   1021000020000002",
        "63209100001922-22            0000010005AGENT 2        BOB & SONS              0021000020000002",
        f"82200000010009100001{zeros}0000000100051234567890                         021000020000002",
        f"9000002000001000000020010240154{zeros}000000045005" + " " * 39,
        nines,
        nines,
    ]


@given(
    st.lists(
        st.builds(Credit, ACCOUNTS, st.decimals("0.01", "99999999.99", places=2), st.just("AGENT 1")),
        min_size=1,
        max_size=30,
    )
)
def test_every_file_is_whole_blocks_of_94_characters_whose_totals_agree(credits: list[Credit]) -> None:
    records = ach_file(BANK, credits, created=CREATED, effective=date(2026, 12, 2)).splitlines()
    entries = [one for one in records if one[0] == "6"]
    controls = [one for one in records if one[0] == "8"]
    (end,) = [one for one in records if one[0] == "9" and one != "9" * 94]
    assert len(records) % 10 == 0
    assert {len(one) for one in records} == {94}
    assert all(one.isascii() for one in records)
    assert int(end[7:13]) * 10 == len(records)
    assert int(end[13:21]) == len(entries) == len(credits) == sum(int(one[4:10]) for one in controls)
    assert int(end[21:31]) == sum(int(one[3:11]) for one in entries) % 10**10
    assert Decimal(int(end[43:55])) / 100 == sum(one.amount for one in credits)
    assert sum(int(one[29:39]) for one in entries) == int(end[43:55]) == sum(int(one[32:44]) for one in controls)
    assert [int(one[87:94]) for one in entries] == list(range(1, len(credits) + 1))


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "0.001", "100000000.00"])
def test_an_amount_no_entry_can_carry_is_refused(amount: str) -> None:
    with pytest.raises(ConfigError, match="no amount an ACH entry can carry"):
        ach_file(BANK, [Credit(ADA, Decimal(amount), "x")], created=CREATED, effective=date(2026, 12, 2))


def test_a_file_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one credit"):
        ach_file(BANK, [], created=CREATED, effective=date(2026, 12, 2))


@pytest.mark.parametrize(
    ("number", "is_right"),
    [("021000021", True), ("021000022", False), ("02100002", False), ("02100002a", False), ("٠٢١٠٠٠٠٢١", False)],
)
def test_a_routing_number_has_a_check_digit(number: str, is_right: bool) -> None:
    assert is_routing_number(number) == is_right


FILE = """
originator: {bank_name: First Example Bank, bank_routing: "021000021", company_name: Example Firm,
             company_id: "1234567890"}
accounts:
  - {reference: ada, holder: Ada, routing: "%s", number: "123456789012", kind: checking, is_company: false}
"""


def kept(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "payouts.yaml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_bank_data_are_read_from_a_file_of_the_owners_alone(tmp_path: Path) -> None:
    found = read_payouts(kept(tmp_path, FILE % "011401533"))
    assert found is not None
    assert found.account("ada") is not None
    assert (found.account("bob"), found.account(None), read_payouts(None)) == (None, None, None)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_payouts(kept(tmp_path, FILE % "011401533", 0o640))
    with pytest.raises(ConfigError, match="can't be read"):
        read_payouts(tmp_path / "nowhere.yaml")


def test_a_fault_in_the_bank_data_names_the_field_and_shows_no_account(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"accounts\.0\.routing") as refused:
        read_payouts(kept(tmp_path, FILE % "011401534"))
    assert "123456789012" not in str(refused.value)
    twice = FILE % "011401533" + (FILE % "011401533").strip().splitlines()[-1].join(["", "\n"])
    with pytest.raises(ConfigError, match="stand there twice: ada"):
        read_payouts(kept(tmp_path, twice))
