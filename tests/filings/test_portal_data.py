"""Portals' data: every file loads and agrees with the playbooks; what is wrong is named when it loads."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest
import yaml

from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.filings.portal import parse_portal, portal_codes, portal_of
from pw_pipelines.filings.steps import Step, names_in
from pw_pipelines.filings.stopped import FilingStopped
from pw_pipelines.filings.wording import applies, fill_in, same, value_of
from pw_pipelines.fulfillment.facts import facts
from pw_pipelines.fulfillment.playbook import playbooks

FILINGS = {service: one for service, one in playbooks().items() if one.filing}
# Gathered for every item, whatever its playbook asks for (fulfillment/stages/prepare.py).
ALWAYS = {"order_number", "firm_name", "firm_address", "today", "year", "rmd_number"}


@pytest.mark.parametrize("code", portal_codes())
def test_every_portal_says_where_it_comes_from(code: str) -> None:
    portal = portal_of(code)
    assert portal.terms.source
    assert portal.read_in
    assert portal.verified is None, "who saw it on the real portal is written in its file by whoever did"


@pytest.mark.parametrize("service", sorted(FILINGS))
def test_a_playbook_knows_what_its_form_needs(service: str) -> None:
    playbook = FILINGS[service]
    assert playbook.filing is not None
    form = portal_of(playbook.filing.portal).form(playbook.filing.form)
    needed = {
        name
        for step in form.steps
        for name in names_in(step.value or "") | names_in(step.to or "")
        if name in facts() and not facts()[name].optional and step.when.get(name) != "*"
    }
    assert needed - set(playbook.facts) - ALWAYS == set()
    assert set(form.documents) == set(playbook.filing.attach)


def test_a_portal_nobody_described_is_refused() -> None:
    with pytest.raises(UsageError, match="fcc_rmd"):
        portal_of("fcc_moon")


def changed(**at: Any) -> str:
    """The RMD's file with a part of its recertification replaced."""
    text = (resources.files("pw_pipelines.filings") / "portals" / "fcc_rmd.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    data["forms"] = {"recertification": {**data["forms"]["recertification"], **at}}
    return yaml.safe_dump(data)


OPEN = {"do": "open", "to": "/rmd"}
PAGE = {"do": "page", "name": "One", "fields": ["frn"]}
SUBMIT = {"do": "submit", "at": "#go", "says": "^Submit$"}


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([OPEN, PAGE], "exactly one step, the last, must be the submit"),
        ([OPEN, PAGE, SUBMIT, SUBMIT], "exactly one step"),
        ([OPEN, SUBMIT], "at least one step must be a `page`"),
        ([PAGE, {**SUBMIT, "when": {"frn": "1"}}], "the submit has no `when`"),
        ([PAGE, {"do": "submit", "at": "#go"}], "needs says"),
        ([PAGE, {"do": "fill", "at": "#a", "value": "{no_such_fact}"}, SUBMIT], "no_such_fact"),
        ([PAGE, {"do": "fill", "at": "#a"}, SUBMIT], "needs value"),
        ([PAGE, {"do": "click", "at": "#a", "value": "x"}, SUBMIT], "has no value"),
    ],
)
def test_a_form_that_is_none_is_refused(steps: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_portal(changed(steps=steps), file="fcc_rmd.yaml")


def test_a_value_is_filled_in_and_never_run() -> None:
    nasty = "{{7*7}} {frn} <b> {signer_name} %s"
    assert fill_in("Name: {carrier_name}", {"carrier_name": nasty, "frn": "1"}) == f"Name: {nasty}"
    assert fill_in("{carrier_name.__class__}", {"carrier_name": "x"}) == "{carrier_name.__class__}"


@pytest.mark.parametrize(
    ("write", "given", "written"),
    [
        ("date_us", "2026-03-01", "03/01/2026"), ("date_iso", "2026-03-01", "2026-03-01"), ("digits", "(307) 555-0100",
        "3075550100"), ("money", "$1,234.5", "1234.50"), ("upper", "Larkmoor", "LARKMOOR"), ("plain", " a ", " a "),
        ("money", "", ""),
    ],
)  # fmt: skip
def test_a_value_is_written_as_the_portal_wants_it(write: Any, given: str, written: str) -> None:
    step = Step(do="fill", at="#a", value="{carrier_name}", write=write)
    assert value_of(step, {"carrier_name": given}) == written


def test_what_cannot_be_written_stops_without_saying_it() -> None:
    step = Step(do="fill", at="#a", value="{today}", write="date_us")
    with pytest.raises(FilingStopped, match="today is not a day") as stopped:
        value_of(step, {"today": "soon, Alex"})
    assert "Alex" not in str(stopped.value)


def test_a_step_may_depend_on_facts() -> None:
    step = Step(do="fill", at="#a", value="x", when={"implementation": ("partial", "none"), "ocn": "*"})
    assert applies(step, {"implementation": "none", "ocn": "1234"})
    assert not applies(step, {"implementation": "none", "ocn": " "})
    assert not applies(step, {"implementation": "complete", "ocn": "1234"})
    assert applies(Step(do="fill", at="#a", value="x", when={"ocn": ""}), {})


def test_a_portal_may_set_dashes_of_its_own() -> None:
    phone = Step(do="fill", at="#a", value="{carrier_phone}", compare="digits")
    assert same(phone, "(307) 555-0100", "307-555-0100")
    assert not same(phone, "(307) 555-010", "307-555-0100")
    assert not same(Step(do="fill", at="#a", value="x"), "X", "x")
