"""Rules, due dates and prices as data: complete, consistent, and refused when they are not."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from pw_pipelines.commerce.catalogue import catalogue
from pw_pipelines.compliance.reference import load_reference
from pw_pipelines.compliance.rules import parse_rules, rule, rules
from pw_pipelines.db.connection import Database
from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.sources.contract import contracts

# The rule table: code -> severity. RMD_NAME_BLANK and RMD_CONTACT_INCOMPLETE are one line of it.
TABLE = {
    "RMD_MISSING": "critical", "RMD_REMOVED": "critical", "RMD_NOT_RECERTIFIED": "high", "RMD_RECERT_LATE": "medium",
    "RMD_NEVER_UPDATED": "high", "RMD_DUPLICATE": "low", "RMD_NAME_BLANK": "medium", "RMD_CONTACT_INCOMPLETE": "medium",
    "RMD_ROLE_NONE": "medium", "RMD_IMPL_NONE": "medium", "RMD_IMPL_PARTIAL": "low", "RMD_IMPL_BLANK": "high",
    "RMD_OCN_MISSING": "medium", "RMD_PLAN_MISSING": "high", "RMD_CORES_MISMATCH": "low", "SS_3P_AUTH": "medium",
    "CPNI_MISSING": "high", "CPNI_LATE": "medium", "F499_MISSING": "high", "F499A_STALE": "high",
    "F499A_VERY_STALE": "critical", "F499_ENDED_BUT_ACTIVE": "medium", "F499_NO_FRN_LINK": "information",
    "F499Q_CHECK": "information", "DC_AGENT_MISSING": "medium", "BDC_MISSING": "medium", "BDC_DROPPED": "high",
    "CORES_UNKNOWN": "critical", "CORES_STALE": "low", "CALEA_SSI": "information", "SEC214_INTL": "information",
    "OCN_MISSING": "information",
}  # fmt: skip
MODELS = Path(__file__).parents[2] / "dbt_models" / "models" / "rules"


def test_every_rule_of_the_table_is_there_with_its_severity() -> None:
    assert {one.code: one.severity for one in rules().values()} == TABLE


def test_every_rule_has_one_model_and_every_model_a_rule() -> None:
    assert {path.stem for path in MODELS.rglob("rule_*.sql")} == {f"rule_{code.lower()}" for code in TABLE}


def test_what_no_public_record_can_decide_is_a_question_and_says_why() -> None:
    asked = {one.code for one in rules().values() if one.kind == "question"}
    assert asked == {"RMD_OCN_MISSING", "RMD_PLAN_MISSING", "SS_3P_AUTH", "F499Q_CHECK", "CALEA_SSI", "SEC214_INTL",
                     "OCN_MISSING"}  # fmt: skip
    assert all(rules()[code].detection and rules()[code].question for code in asked)


def test_every_rule_is_cured_by_a_service_that_says_so_too() -> None:
    for one in rules().values():
        assert one.service is not None
        assert one.code in catalogue()[one.service].cures
    assert {code for service in catalogue().values() for code in service.cures} == set(TABLE)


def test_every_rule_names_records_that_are_read() -> None:
    assert {source for one in rules().values() for source in one.sources} <= set(contracts())


def test_an_unknown_rule_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="RMD_MISSING"):
        rule("RMD_NOTHING")


RULE = """
- {code: A_B, kind: %s, title: t, severity: low, certainty: %s, scope: s, citation: c, due: {words: always},
   explanation: e, remedy: r, service: null, sources: [fcc_rmd]%s}
"""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (RULE % ("finding", "ask", ""), "certainty `ask`"),
        (RULE % ("question", "ask", ""), "needs its text"),
        (RULE % ("question", "ask", ", question: 'Well?'"), "must say why"),
        (RULE % ("finding", "sure", ", enabled: false"), "must say why"),
        (RULE % ("finding", "sure", ", colour: red"), "colour"),
        (RULE % ("finding", "certain", ""), "certainty"),
        ((RULE % ("finding", "sure", "")) * 2, "twice"),
        ("- [", "not valid"),
    ],
)
def test_a_faulty_rule_is_refused_by_name(text: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        parse_rules(text)


def test_reference_data_in_the_database_says_what_the_files_say_however_often_it_is_loaded(db: Database) -> None:
    load_reference(db)
    with db.connect() as connection:
        connection.execute("update pw.compliance_rules set title = 'changed' where code = 'RMD_MISSING'")
        connection.execute("insert into pw.sources (source, title) values ('gone', 'Gone')")
        connection.execute("update pw.due_dates set due_on_et = '2000-01-01' where duty = 'cpni' and year = 2026")
    load_reference(db)
    with db.connect() as connection:
        stored = {str(row["code"]): row for row in connection.execute("select * from pw.compliance_rules")}
        sources = {str(row["source"]) for row in connection.execute("select source from pw.sources")}
        cpni = connection.execute("select * from pw.due_dates where duty = 'cpni' and year = 2026").fetchone()
    assert set(stored) == set(TABLE)
    assert stored["RMD_MISSING"]["title"] == rules()["RMD_MISSING"].title
    assert stored["RMD_MISSING"]["price_usd"] == Decimal(249)
    assert stored["RMD_REMOVED"]["price_usd"] is None
    assert sources == set(contracts())
    assert cpni is not None
    assert str(cpni["due_on_et"]) == "2026-03-02"
    assert str(cpni["late_after_on_et"]) == "2026-03-03"
