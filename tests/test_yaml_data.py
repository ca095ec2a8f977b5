"""Data files are checked when they load; a fault says where it is."""

from __future__ import annotations

import pytest

from pw_pipelines.errors import ConfigError
from pw_pipelines.yaml_data import Strict, read_entries, read_entry


class Fee(Strict):
    code: str
    dollars: int


def entries(text: str) -> dict[str, Fee]:
    return read_entries(text, Fee, file="commerce/fees.yaml", key="code", what="fees")


def test_entries_come_by_their_key_in_the_order_of_the_file() -> None:
    found = entries("- {code: late, dollars: 5}\n- {code: early, dollars: 3}")
    assert [(code, fee.dollars) for code, fee in found.items()] == [("late", 5), ("early", 3)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- {code: late, dollars: many}", r"^commerce/fees.yaml, late: dollars: Input should be a valid integer"),
        ("- {code: late, dollars: 5, colour: red}", r"^commerce/fees.yaml, late: colour: Extra inputs"),
        ("- {code: late, dollars: 5}\n- {dollars: 5}", r"^commerce/fees.yaml, entry 2: code: Field required"),
        ("- late", r"^commerce/fees.yaml, entry 1: the entry as a whole: "),
        ("- {code: late, dollars: 5}\n- {code: late, dollars: 6}", r"^commerce/fees.yaml: late stands there twice"),
        ("late: 5", r"^commerce/fees.yaml must be a list of fees"),
        ("", r"^commerce/fees.yaml must be a list of fees"),
        ("- [", r"^commerce/fees.yaml is not valid, for it is not YAML: "),
    ],
)
def test_a_fault_names_the_file_the_entry_and_the_field(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        entries(text)


def test_a_file_of_one_entry_is_checked_the_same_way() -> None:
    assert read_entry("{code: late, dollars: 5}", Fee, file="fee.yaml").dollars == 5
    with pytest.raises(ConfigError, match=r"^fee.yaml: dollars: Input should be a valid integer.*; colour: Extra"):
        read_entry("{code: late, dollars: x, colour: red}", Fee, file="fee.yaml")
