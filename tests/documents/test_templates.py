"""The templates that are there: each can be read, belongs to a playbook or a room, and asks for what can be given."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from lxml import etree

from pw_pipelines.documents.rendering import MissingValues, missing_values, needs, render
from pw_pipelines.documents.signing.pictures import MARKER
from pw_pipelines.documents.template import names_of_templates, template_named
from pw_pipelines.fulfillment.facts import facts
from pw_pipelines.fulfillment.playbook import playbooks
from tests.documents.samples import sample_values

LETTERS = {"delivery_letter", "packet_cover"}
# gathered for every item, whatever its playbook asks for
ALWAYS = {"order_number", "firm_name", "firm_address", "today", "year", "rmd_number"}
# asked for only where the form or the management of the company makes it necessary
SOMETIMES = {"authorized_shares"}
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def text_of(docx: bytes) -> str:
    """All text of a DOCX, line ends of Word included."""
    with zipfile.ZipFile(io.BytesIO(docx)) as archive:
        parts = [
            archive.read(name) for name in sorted(archive.namelist()) if name.startswith("word/") and "xml" in name
        ]
    words = []
    for part in parts:
        for element in etree.fromstring(part).iter("{*}t", "{*}br", "{*}p"):
            words.append({"br": "\n", "p": "\n"}.get(etree.QName(element).localname, element.text or ""))
    return "".join(words)


def test_there_is_a_template_for_every_document_of_every_playbook() -> None:
    wanted = {document.template for playbook in playbooks().values() for document in playbook.documents}

    assert wanted | LETTERS == set(names_of_templates())


@pytest.mark.parametrize("name", names_of_templates())
def test_a_template_names_only_facts_and_is_made_with_invented_ones(name: str) -> None:
    assert template_named(name).names <= facts().keys()

    text = text_of(render(name, sample_values()))

    assert "{{" not in text
    assert "{%" not in text
    assert "PW-2026-00042" in text


@pytest.mark.parametrize("service", [code for code, playbook in playbooks().items() if playbook.documents])
def test_a_playbook_asks_for_every_fact_its_documents_need(service: str) -> None:
    playbook = playbooks()[service]
    needed = {name for document in playbook.documents for name in needs(document.template)}

    assert needed - set(playbook.facts) - ALWAYS - SOMETIMES == set()


@pytest.mark.parametrize("service", [code for code, playbook in playbooks().items() if playbook.documents])
def test_documents_can_be_made_of_the_facts_a_playbook_gathers(service: str) -> None:
    playbook = playbooks()[service]
    given = {name: value for name, value in sample_values().items() if name in {*playbook.facts, *ALWAYS}}

    assert {document.template: missing_values(document.template, given) for document in playbook.documents} == {
        document.template: [] for document in playbook.documents
    }


def test_what_is_signed_has_one_place_for_the_signature_and_nothing_else_has() -> None:
    signed = {
        document.template for playbook in playbooks().values() for document in playbook.documents if document.signed
    }

    places = {name: text_of(render(name, sample_values())).count(MARKER) for name in names_of_templates()}

    assert places == {name: 1 if name in signed else 0 for name in places}


def test_an_ssn_stands_in_no_document_but_for_its_last_four_digits() -> None:
    docx = render("form_ss4", sample_values(responsible_ssn="900-12-3456"))

    text = text_of(docx)

    assert "XXX-XX-3456" in text
    assert "900" not in text
    assert "12-3456" not in text


@pytest.mark.parametrize("name", ["rmd_certification", "reinstatement_request", "discontinuance_application"])
def test_what_the_rules_want_sworn_is_declared_under_penalty_of_perjury(name: str) -> None:
    assert "under penalty of perjury under the laws of the United States of America" in text_of(
        render(name, sample_values())
    )


def test_the_operating_agreement_has_ten_articles_and_says_that_it_is_no_legal_advice() -> None:
    document = zipfile.ZipFile(io.BytesIO(render("operating_agreement", sample_values()))).read("word/document.xml")
    styles = [style.get("{*}val") or style.attrib.values()[0] for style in etree.fromstring(document).iter("{*}pStyle")]

    assert styles.count("Heading1") == 10
    assert "This is not legal advice" in text_of(render("operating_agreement", sample_values()))


def test_an_agreement_of_managers_needs_their_names() -> None:
    values = sample_values(management="managers", manager_names="")

    with pytest.raises(MissingValues) as missing:
        render("operating_agreement", values)

    assert missing.value.names == ["manager_names"]


@pytest.mark.parametrize(("form", "title"), [("llc", "Articles of Organization"), ("corporation", "of Incorporation")])
def test_articles_are_those_of_the_form_of_the_company(form: str, title: str) -> None:
    assert title in text_of(render("articles", sample_values(form=form, authorized_shares="1000")))


@pytest.mark.parametrize(
    ("implementation", "says", "never"),
    [("complete", "fully implemented", "has not implemented"), ("none", "has not implemented", "fully implemented")],
)
def test_the_certification_says_what_is_implemented_and_nothing_else(
    implementation: str, says: str, never: str
) -> None:
    text = text_of(render("rmd_certification", sample_values(implementation=implementation)))

    assert says in text
    assert never not in text


@pytest.mark.parametrize("name", names_of_templates())
def test_a_template_carries_no_table_styles_that_it_does_not_use(name: str) -> None:
    """The hundred of a blank document take LibreOffice longer to read than the document."""
    parts = template_named(name).parts
    used = {
        element.get(f"{WORD}val")
        for part, content in parts.items()
        if re.fullmatch(r"word/(document|header1|footer1)\.xml", part)
        for element in etree.fromstring(content).iter(f"{WORD}tblStyle")
    }
    of_tables = {
        style.get(f"{WORD}styleId")
        for style in etree.fromstring(parts["word/styles.xml"]).iter(f"{WORD}style")
        if style.get(f"{WORD}type") == "table"
    }
    assert used <= of_tables
    assert len(of_tables - used) <= 2, "Word's default and its plain grid"
