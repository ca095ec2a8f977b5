"""Filling a template: values are data, whatever they look like; what is missing is named first; same in, same out."""

from __future__ import annotations

import io
import zipfile

import pytest
from docx import Document
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pw_pipelines.documents.rendering import (
    MissingValues,
    RefusedValues,
    fill,
    missing_values,
    render,
    values_digest,
)
from pw_pipelines.documents.template import read_template
from pw_pipelines.documents.values import LONGEST, shown
from pw_pipelines.errors import ConfigError, UsageError
from tests.documents.samples import sample_values
from tests.documents.test_templates import text_of

HOSTILE = [
    "{{ 7*7 }}",
    "{% include '/etc/passwd' %}",
    "{{ ''.__class__.__mro__ }}",
    "{#",
    "%}{% if x %}",
    "</w:t></w:r></w:p><w:p><w:r><w:t>",
    "<w:instrText>INCLUDETEXT /etc/passwd</w:instrText>",
    "&lt;script&gt; &amp; &#x41; ]]>",
    "=1+1",
    '=HYPERLINK("http://elsewhere.example")',
    "../../../etc/passwd",
    "😀 Ünïcödé 株式会社",
    "שלום עולם",
    "\\u0000 \\n $1 \\1 %s {0}",
]


def template_of(*paragraphs: str | list[str]) -> bytes:
    """A .docx of these paragraphs; a list is one paragraph cut into runs, as Word cuts them."""
    document = Document()
    for paragraph in paragraphs:
        made = document.add_paragraph()
        for run in [paragraph] if isinstance(paragraph, str) else paragraph:
            made.add_run(run)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def made(template: bytes, **values: str) -> str:
    return text_of(fill(read_template("invented", template), values))


@pytest.mark.parametrize("value", HOSTILE)
def test_what_a_customer_wrote_stays_the_text_they_wrote(value: str) -> None:
    docx = render("cpni_statement", sample_values(carrier_name=value, cpni_procedures=value))

    assert text_of(docx).count(value) >= 3
    assert Document(io.BytesIO(docx)).paragraphs


@settings(deadline=None, max_examples=60)
@example(".")
@example("Name: .")
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Cf", "Zl", "Zp")), min_size=1))
def test_any_text_is_printed_as_it_is(value: str) -> None:
    if not value.strip():
        return
    printed = made(SIMPLE, carrier_name=value).strip()
    assert printed.removeprefix("Name: ").removesuffix(".").strip() == value.strip()


SIMPLE = template_of("Name: {{ carrier_name }}.")


def test_a_long_text_is_printed_whole() -> None:
    value = "x" * 9_999 + "!"

    assert value in made(SIMPLE, carrier_name=value)


def test_lines_of_a_value_become_lines_of_the_document() -> None:
    docx = fill(read_template("invented", SIMPLE), {"carrier_name": "one\r\ntwo\rthree\n\nfour\u2028five\tsix"})

    xml = zipfile.ZipFile(io.BytesIO(docx)).read("word/document.xml").decode()

    assert xml.count("<w:br/>") == 5
    assert xml.count("<w:tab/>") == 1
    assert "Name: one\ntwo\nthree\n\nfour\nfive" in text_of(docx)


@pytest.mark.parametrize(
    "value",
    ["a\x00b", "a\x0cb", "a\x1bb", "a\x7fb", "a\ud800b", "a\ufffeb", "abc\u202etxt.exe", "\u2066x", "x" * (LONGEST + 1),
     "sign here: [[signature]]", "[[ Signature ]]"],
)  # fmt: skip
def test_what_no_document_can_hold_is_refused_by_the_name_of_its_fact_alone(value: str) -> None:
    with pytest.raises(RefusedValues) as refused:
        render("cpni_statement", sample_values(carrier_name=value, cpni_complaints=value))

    assert refused.value.names == ["carrier_name", "cpni_complaints"]
    assert value[:50] not in str(refused.value)


def test_everything_that_is_missing_is_named_before_anything_is_made() -> None:
    values = sample_values(carrier_name="", cpni_procedures="  \n ")
    del values["signer_name"]

    with pytest.raises(MissingValues) as missing:
        render("cpni_statement", values)

    assert missing.value.names == ["carrier_name", "cpni_procedures", "signer_name"]
    assert missing_values("cpni_statement", sample_values()) == []


def test_the_same_template_and_values_are_the_same_bytes() -> None:
    first = render("rmd_certification", sample_values())
    read_template.cache_clear()

    assert render("rmd_certification", dict(reversed(sample_values().items()))) == first
    assert render("rmd_certification", sample_values(carrier_name="Another")) != first


def test_a_made_document_does_not_tell_when_it_was_made() -> None:
    with zipfile.ZipFile(io.BytesIO(render("articles", sample_values()))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 1, 1, 0, 0, 0)}
        assert b"2026-01-01" in archive.read("docProps/core.xml")


def test_the_digest_of_values_follows_what_the_document_shows() -> None:
    before = values_digest("form_ss4", sample_values())

    assert values_digest("form_ss4", sample_values(today="2027-01-01")) == before
    assert values_digest("form_ss4", sample_values(carrier_name="Not in it")) == before
    assert values_digest("form_ss4", sample_values(company_name=" Blue Fox Analytics LLC \n")) == before
    assert values_digest("form_ss4", sample_values(company_name="Red Fox LLC")) != before
    assert values_digest("form_ss4", sample_values(responsible_ssn="901-99-3456")) == before
    assert values_digest("form_ss4", sample_values(responsible_ssn="900-12-3457")) != before


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("today", "2027-03-01", "March 1, 2027"),
        ("today", "next week", "next week"),
        ("revenue_total", "1482300.5", "$1,482,300.50"),
        ("revenue_total", "$ 1,200", "$1,200.00"),
        ("revenue_total", "-5", "-$5.00"),
        ("revenue_total", "1e99999999", "1e99999999"),
        ("voice_lines_business", "12480", "12,480"),
        ("is_gateway", "no", "No"),
        ("implementation", "complete", "Complete"),
        ("responsible_ssn", "900123456", "XXX-XX-3456"),
        ("state", "WY", "Wyoming"),
        ("carrier_state", "WY", "WY"),
    ],
)
def test_a_value_is_shown_as_readers_expect_it(name: str, value: str, says: str) -> None:
    assert shown(name, value) == says


@pytest.mark.parametrize("name", ["../articles", "articles.docx", "", "nothing_of_the_kind", "a" * 300])
def test_a_name_that_is_no_template_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        render(name, sample_values())


def test_placeholders_that_word_has_cut_into_runs_are_found() -> None:
    template = template_of(["Dear {", "{ car", "rier_name }", "} and {{ frn", " }}", "!"])

    assert made(template, carrier_name="Finch", frn="0016029420").strip() == "Dear Finch and 0016029420!"


def test_conditions_take_words_own_quotes_and_leave_no_empty_paragraph() -> None:
    template = template_of(
        "before", ["{%p if is_gateway ", "== “yes” %}"], "gateway", "{%p else %}", "none", "{%p endif %}"
    )

    assert made(template, is_gateway="yes").split() == ["before", "gateway"]
    assert made(template, is_gateway="no").split() == ["before", "none"]


def test_a_fact_that_is_compared_must_be_known_and_one_asked_for_need_not() -> None:
    template = template_of('{% if is_gateway == "yes" %}x{% endif %}{% if ocn %}{{ ocn }}{% endif %}')

    with pytest.raises(MissingValues) as missing:
        made(template)

    assert missing.value.names == ["is_gateway"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ no_such_fact }}", "no_such_fact"),
        ("{{ carrier_name | upper }}", "Filter"),
        ("{{ carrier_name.title() }}", "Call"),
        ("{{ carrier_name.x }}", "Getattr"),
        ("{{ 7 * 7 }}", "Mul"),
        ("{% for x in carrier_name %}{% endfor %}", "For"),
        ("{% include 'x' %}", "Include"),
        ("{% set carrier_name = 1 %}", "Assign"),
        ("{% if carrier_name in 'abc' %}{% endif %}", "compares"),
        ("{% if carrier_name > 'a' %}{% endif %}", "can't be read"),
        ("{% if frn == carrier_name %}{% endif %}", "compares"),
        ("{% if is_gateway == 'perhaps' %}{% endif %}", "never 'perhaps'"),
        ("{% if carrier_name %}", "can't be read"),
        ("{{ carrier_name", "can't be read"),
        ("text {%p if ocn %}", "must stand alone"),
        ("{%tr if ocn %}", "no table row"),
    ],
)
def test_a_template_with_anything_but_facts_and_conditions_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=r"documents/templates/invented\.docx") as refused:
        read_template("invented", template_of(text))

    assert says in str(refused.value)


def changed(template: bytes, name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(template)) as before, zipfile.ZipFile(out, "w") as after:
        for entry in before.namelist():
            if entry != name:
                after.writestr(entry, before.read(entry))
        after.writestr(name, content)
    return out.getvalue()


def test_a_template_with_macros_or_something_fetched_from_elsewhere_is_refused() -> None:
    fetching = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" '
        b'Target="http://elsewhere.example/x.dotm" TargetMode="External"/></Relationships>'
    )

    with pytest.raises(ConfigError, match="macros"):
        read_template("invented", changed(SIMPLE, "word/vbaProject.bin", b"x"))
    with pytest.raises(ConfigError, match="fetches"):
        read_template("invented", changed(SIMPLE, "word/_rels/settings.xml.rels", fetching))
    with pytest.raises(ConfigError, match="not a Word document"):
        read_template("invented", b"PDF")


def test_a_placeholder_in_a_field_code_is_refused() -> None:
    document = zipfile.ZipFile(io.BytesIO(SIMPLE)).read("word/document.xml")
    in_field = document.replace(b"<w:t>Name", b"<w:instrText>INCLUDETEXT {{ frn }}</w:instrText><w:t>Name")

    with pytest.raises(ConfigError, match="instrText"):
        read_template("invented", changed(SIMPLE, "word/document.xml", in_field))
