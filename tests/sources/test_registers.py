"""Which reader a person's file is for, and what all registers promise."""

from __future__ import annotations

import pickle

import pytest

from pw_pipelines.errors import SourceRejected, UsageError
from pw_pipelines.sources.contract import contracts
from pw_pipelines.sources.register import Block
from pw_pipelines.sources.registers import REGISTERS, recognise, register, registers_of
from tests.sources.register_files import corporation, illinois, lines, page

SOURCES = [
    "sunbiz_cor", "sunbiz_cor_daily", "sunbiz_events", "sunbiz_events_daily", "sunbiz_fic", "sunbiz_fic_daily",
    "socrata_co", "socrata_ny", "socrata_or", "socrata_pa", "socrata_ct", "iowa_hub", "illinois_llc", "illinois_corp",
]  # fmt: skip


def test_every_register_has_a_reader_and_a_contract_of_the_same_state() -> None:
    assert list(REGISTERS) == SOURCES
    assert {one.source: one.state for one in contracts().values() if one.state} == {
        one.source: one.state for one in REGISTERS.values()
    }
    assert [one.source for one in registers_of("il")] == ["illinois_llc", "illinois_corp"]
    with pytest.raises(UsageError, match="known: sunbiz_cor"):
        register("sunbiz")


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("cordata.zip", "sunbiz_cor"), ("cordata9.txt", "sunbiz_cor"), ("doc/cor/20260821c.txt", "sunbiz_cor_daily"),
        ("npcordata.txt", "sunbiz_cor"), ("download", "sunbiz_cor_daily"),
    ],
)  # fmt: skip
def test_floridas_corporate_files_are_told_by_their_names(name: str, source: str) -> None:
    assert recognise("FL", lines([corporation()]), name).source == source


def test_a_file_of_another_state_is_refused_with_what_can_be_read() -> None:
    with pytest.raises(SourceRejected, match="That is none of the files of FL that can be read: sunbiz_cor, "):
        recognise("FL", illinois("LLC MASTER DATA", []), "llcallmst.txt")
    with pytest.raises(SourceRejected, match="none of the files of IL"):
        recognise("IL", page([{"entityid": "1"}]), "page.json")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("MI", "mibusinessregistry"),
        ("VT", "downloads need a login"),
        ("WA", "ccfs.sos.wa.gov"),
        ("TX", "No register file of TX"),
    ],
)
def test_a_state_without_files_says_where_to_go(state: str, said: str) -> None:
    with pytest.raises(SourceRejected, match=said):
        recognise(state, b"id,name\n1,x\n", "export.csv")


@pytest.mark.parametrize(
    ("state", "head", "said"),
    [("FL", b"", "is empty"), ("CO", b"<html><title>Attention required</title>", "HTML page: Attention required")],
)
def test_an_empty_file_or_a_web_page_is_called_what_it_is(state: str, head: bytes, said: str) -> None:
    with pytest.raises(SourceRejected, match=said):
        recognise(state, head, "saved.txt")


def test_blocks_and_what_is_parsed_travel_between_processes() -> None:
    reader = pickle.loads(pickle.dumps(REGISTERS["sunbiz_cor"]))
    parsed = reader.parse(pickle.loads(pickle.dumps(Block(lines([corporation()]), 1))))
    assert pickle.loads(pickle.dumps(parsed)).rows.name == ["INVENTED MARINE LLC"]
