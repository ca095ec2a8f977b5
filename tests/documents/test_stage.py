"""The stage `documents`: what the playbook names is made once, kept, and told by rows; killed anywhere it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from pw_pipelines import faults
from pw_pipelines.documents import template as templates
from pw_pipelines.documents.converting import Converted, Converter
from pw_pipelines.documents.office import WarmOffice
from pw_pipelines.fulfillment.facts import fact_of, keep_values
from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.fulfillment.playbook import playbook_of
from pw_pipelines.fulfillment.stages import documents as stage
from pw_pipelines.fulfillment.work import Work
from tests.commerce.making import NOW
from tests.documents.conftest import a_pdf, text_of_pdf
from tests.documents.samples import sample_values
from tests.fulfillment.conftest import House

TEMPLATES = ["cpni_certificate", "cpni_statement"]


@dataclass
class FakeConverter:
    jobs: list[str] = field(default_factory=list)

    def to_pdfs(self, documents: Sequence[tuple[bytes, str]]) -> list[Converted]:
        self.jobs += [job for _, job in documents]
        return [Converted(a_pdf(2), 2, "libreoffice") for _ in documents]


@pytest.fixture
def converter(house: House) -> FakeConverter:
    made = FakeConverter()
    house.ground.__dict__["converter"] = made
    return made


@pytest.fixture
def item(house: House) -> int:
    """A paid CPNI certification of which everything is known."""
    item_id = house.paid_item()
    state(house, item_id, **{name: sample_values()[name] for name in (*playbook_of("cpni_certification").facts,
                                                                      "firm_name", "order_number", "today")
                             if name in sample_values()})  # fmt: skip
    return item_id


def state(house: House, item_id: int, **values: str) -> None:
    with house.connect() as connection:
        for name, value in values.items():
            if fact_of(name).private:
                house.ground.vault.put(connection, item_id, name, value, now=NOW)
            else:
                keep_values(connection, item_id, {name: value}, source="staff", by="test", now=NOW)


def run(house: House, item_id: int) -> str:
    with house.working(item_id) as work:
        return stage.run(work)


def rows(house: House, item_id: int) -> list[dict[str, Any]]:
    return house.rows("select * from pw.item_documents where item_id = %s order by template, edition", item_id)


def in_force(house: House, item_id: int) -> dict[str, int]:
    return {row["template"]: row["edition"] for row in rows(house, item_id) if row["withdrawn_at"] is None}


def test_every_document_of_the_playbook_is_made_kept_and_booked(
    house: House, item: int, converter: FakeConverter
) -> None:
    assert run(house, item) == "Made 2 documents, 0 stood already, 0 withdrawn."

    made = rows(house, item)
    assert [(row["template"], row["edition"], row["pages"], row["converted_by"]) for row in made] == [
        ("cpni_certificate", 1, 2, "libreoffice"),
        ("cpni_statement", 1, 2, "libreoffice"),
    ]
    titles = {document.template: document.title for document in playbook_of("cpni_certification").documents}
    assert [row["title"] for row in made] == [titles[name] for name in TEMPLATES]
    for row in made:
        assert house.ground.objects.open(row["docx_digest"]).read(4) == b"PK\x03\x04"
        assert house.ground.objects.open(row["pdf_digest"]).read(5) == b"%PDF-"
        assert row["template_digest"] == templates.template_named(row["template"]).digest
        assert row["signed_digest"] is None


def test_a_second_time_nothing_is_done(house: House, item: int, converter: FakeConverter) -> None:
    run(house, item)
    before = rows(house, item)

    assert run(house, item) == "Made 0 documents, 2 stood already, 0 withdrawn."

    assert rows(house, item) == before
    assert len(converter.jobs) == 2


def test_a_changed_value_makes_a_new_edition_of_the_documents_that_show_it(
    house: House, item: int, converter: FakeConverter
) -> None:
    run(house, item)
    state(house, item, cpni_procedures="Quite other procedures.")

    assert run(house, item) == "Made 1 documents, 1 stood already, 0 withdrawn."

    assert in_force(house, item) == {"cpni_certificate": 1, "cpni_statement": 2}
    assert [row["edition"] for row in rows(house, item) if row["withdrawn_at"]] == [1]


def test_a_changed_signer_in_the_vault_makes_new_editions(house: House, item: int, converter: FakeConverter) -> None:
    run(house, item)
    state(house, item, signer_name="Jordan Invented")

    run(house, item)

    assert in_force(house, item) == {"cpni_certificate": 2, "cpni_statement": 2}


def test_another_day_alone_makes_no_new_edition(house: House, item: int, converter: FakeConverter) -> None:
    run(house, item)
    state(house, item, today="2027-01-15")

    run(house, item)

    assert in_force(house, item) == {"cpni_certificate": 1, "cpni_statement": 1}


def changed_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody had edited every template in Word."""
    real = templates.template_named
    monkeypatch.setattr(
        stage, "template_named", lambda name: templates.Template(name, "f" * 64, real(name).parts, real(name).trees)
    )


def test_an_edited_template_makes_new_editions_of_what_nobody_signed(
    house: House, item: int, converter: FakeConverter, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(house, item)
    with house.connect() as connection:
        connection.execute("update pw.item_documents set signed_digest = %s where template = %s",
                           ("a" * 64, "cpni_certificate"))  # fmt: skip
    changed_template(monkeypatch)

    run(house, item)

    assert in_force(house, item) == {"cpni_certificate": 1, "cpni_statement": 2}


def test_what_the_playbook_does_not_name_any_more_is_withdrawn(
    house: House, item: int, converter: FakeConverter, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(house, item)
    playbook = playbook_of("cpni_certification")
    shorter = playbook.model_copy(update={"documents": playbook.documents[:1]})
    monkeypatch.setattr(Work, "playbook", property(lambda _: shorter))

    assert run(house, item) == "Made 0 documents, 1 stood already, 1 withdrawn."

    assert set(in_force(house, item)) == {playbook.documents[0].template}


def test_a_letter_that_a_later_stage_drew_up_stays(house: House, item: int, converter: FakeConverter) -> None:
    run(house, item)
    with house.connect() as connection:
        connection.execute(
            "update pw.item_documents set template = 'delivery_letter' where template = 'cpni_statement'"
        )

    assert run(house, item) == "Made 1 documents, 1 stood already, 0 withdrawn."
    assert set(in_force(house, item)) == {*TEMPLATES, "delivery_letter"}


def test_missing_values_are_all_named_and_nothing_is_made(house: House, converter: FakeConverter) -> None:
    item_id = house.paid_item()
    state(house, item_id, frn="0012345678", carrier_name="Finch LLC", year="2027")

    with pytest.raises(Gate) as gate:
        run(house, item_id)

    assert gate.value.kind == "details"
    missing = gate.value.detail["missing"]
    assert {"cpni_procedures", "cpni_complaints", "signer_name", "signer_title", "prior_year"} <= set(missing)
    assert "carrier_name" not in missing
    assert rows(house, item_id) == []
    assert converter.jobs == []


def test_a_value_no_document_can_hold_waits_for_details_and_is_not_repeated_in_the_gate(
    house: House, item: int, converter: FakeConverter
) -> None:
    state(house, item, cpni_procedures="invoice\u202etxt.exe")

    with pytest.raises(Gate) as gate:
        run(house, item)

    assert gate.value.detail == {"missing": ["cpni_procedures"], "refused": ["cpni_procedures"]}
    assert "txt.exe" not in str(gate.value)


@pytest.mark.parametrize("point", ["made", "converted", "booked"])
def test_killed_anywhere_it_goes_on_without_double_rows(
    house: House, item: int, converter: FakeConverter, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(faults.VARIABLE, f"documents.stage.{point}:raise")
    with pytest.raises(faults.InjectedFault):
        run(house, item)
    monkeypatch.delenv(faults.VARIABLE)
    assert len(rows(house, item)) == (2 if point == "booked" else 0)

    run(house, item)

    assert [(row["template"], row["edition"]) for row in rows(house, item)] == [(name, 1) for name in TEMPLATES]


def test_each_reading_of_a_private_value_is_logged_with_its_reason(
    house: House, item: int, converter: FakeConverter
) -> None:
    run(house, item)

    read = house.rows("select a.* from pw.private_access a")

    assert {row["why"] for row in read} == {"documents"}
    assert {row["name"] for row in read} == {"signer_name"}, "the address of the link stands in no document"


def test_no_personal_data_is_in_the_jobs_names_or_in_what_the_stage_says(
    house: House, item: int, converter: FakeConverter
) -> None:
    said = run(house, item)

    signer = sample_values()["signer_name"]
    assert not any(word in text for word in signer.split() for text in [said, *converter.jobs])


def test_the_real_thing(house: House, item: int, office: WarmOffice) -> None:
    real = Converter(house.ground.settings)
    real.__dict__["office"] = office
    house.ground.__dict__["converter"] = real

    run(house, item)

    [certificate, statement] = rows(house, item)
    text = text_of_pdf(house.ground.objects.open(certificate["pdf_digest"]).read())
    assert "I, Morgan Q. Sample, certify that I am an officer" in " ".join(text.split())
    assert (certificate["pages"], statement["pages"]) == (1, 2)
