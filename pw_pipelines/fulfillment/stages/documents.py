"""Stage `documents`: draws up what the playbook names, as DOCX and PDF; what stands already is not made again.

A document is made anew, as the next edition, when what it shows has changed, or its template has and nobody signed it.
All editions of one go become rows in one transaction, so a stage that was killed left all of them or none.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pw_pipelines import faults
from pw_pipelines.documents.converting import Converted
from pw_pipelines.documents.rendering import fill, missing_values, values_digest
from pw_pipelines.documents.template import Template, template_named
from pw_pipelines.documents.values import RefusedValues
from pw_pipelines.fulfillment import lease as leases
from pw_pipelines.fulfillment.facts import fact_of, known_values
from pw_pipelines.fulfillment.model import Connection, Gate
from pw_pipelines.fulfillment.playbook import Document
from pw_pipelines.fulfillment.work import Work

LETTERS = ("delivery_letter", "packet_cover")  # drawn up by stages that come later


@dataclass(frozen=True)
class _Wanted:
    """One document as it should stand now."""

    document: Document
    template: Template
    values_digest: str


@dataclass(frozen=True)
class _Made:
    """One document drawn up and kept, by digest."""

    wanted: _Wanted
    docx_digest: str
    pdf_digest: str
    converted: Converted


def run(work: Work) -> str:
    """Raises Gate `details` naming every value that is missing, or that no document can hold, before one is made."""
    templates = {document.template: template_named(document.template) for document in work.playbook.documents}
    values = _values(work, templates)
    wanted = [_wanted(document, templates[document.template], values) for document in work.playbook.documents]
    with work.connect() as connection:
        to_make = [one for one in wanted if not _stands(connection, work.item.item_id, one)]
    made = _made(work, to_make, values)
    faults.point("documents.stage.made")
    with work.connect(patiently=True) as connection:
        leases.demand(connection, work.lease)
        withdrawn = _withdraw_others(connection, work, [one.template.name for one in wanted])
        for one in made:
            _book(connection, work, one)
    faults.point("documents.stage.booked")
    kept = len(wanted) - len(made)
    return f"Made {len(made)} documents, {kept} stood already, {withdrawn} withdrawn."


def _values(work: Work, templates: Mapping[str, Template]) -> dict[str, str]:
    """What is known of the facts the documents name; private ones from the vault. Raises Gate for missing ones."""
    names = frozenset[str]().union(*(template.names for template in templates.values()))
    item_id, now = work.item.item_id, work.now()
    with work.connect() as connection:
        values = {name: value for name, value in known_values(connection, item_id).items() if name in names}
        kept = work.ground.vault.names(connection, item_id)
        for name in sorted(name for name in names & kept if fact_of(name).private):
            value = work.ground.vault.get(connection, item_id, name, by="run", why="documents", now=now)
            if value is not None:
                values[name] = value
    values.setdefault("today", work.ground.clock.today().isoformat())
    try:
        missing = sorted({name for template in templates for name in missing_values(template, values)})
    except RefusedValues as refused:
        raise Gate("details", str(refused), detail={"missing": refused.names, "refused": refused.names}) from None
    if missing:
        why = f"{len(missing)} details are missing for the documents."
        raise Gate("details", why, detail={"missing": missing})
    return values


def _wanted(document: Document, template: Template, values: Mapping[str, str]) -> _Wanted:
    return _Wanted(document, template, values_digest(template.name, values))


def _stands(connection: Connection, item_id: int, wanted: _Wanted) -> bool:
    """Whether the edition in force is what is wanted."""
    row = connection.execute(
        "select values_digest, template_digest, signed_digest, is_signed_by_customer from pw.item_documents "
        "where item_id = %s and template = %s and withdrawn_at is null order by edition desc limit 1",
        (item_id, wanted.template.name),
    ).fetchone()
    if row is None or row["values_digest"] != wanted.values_digest:
        return False
    if row["signed_digest"] is not None:  # a better template takes nobody's signature away
        return True
    same_signer = row["is_signed_by_customer"] == wanted.document.signed
    return bool(same_signer and row["template_digest"] == wanted.template.digest)


def _made(work: Work, wanted: list[_Wanted], values: Mapping[str, str]) -> list[_Made]:
    """Drawn up, converted and kept in the object store. A second time leaves other objects and no other rows."""
    if not wanted:
        return []
    drawn = [fill(one.template, values) for one in wanted]
    jobs = [f"{work.item.order_number}-{work.item.item_id}-{one.template.name}" for one in wanted]
    converted = work.ground.converter.to_pdfs(list(zip(drawn, jobs, strict=True)))
    faults.point("documents.stage.converted")
    return [
        _Made(one, _keep(work, docx), _keep(work, pdf.pdf), pdf)
        for one, docx, pdf in zip(wanted, drawn, converted, strict=True)
    ]


def _keep(work: Work, content: bytes) -> str:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return work.ground.objects.put(Path(file.name))


def _book(connection: Connection, work: Work, made: _Made) -> None:
    """The next edition; the one before it is withdrawn."""
    connection.execute(
        """with before as (
             update pw.item_documents set withdrawn_at = %(now)s
             where item_id = %(item)s and template = %(template)s and withdrawn_at is null
           )
           insert into pw.item_documents (item_id, template, title, edition, template_digest, values_digest,
             docx_digest, pdf_digest, is_signed_by_customer, pages, converted_by, made_at)
           select %(item)s, %(template)s, %(title)s,
             1 + coalesce((select max(edition) from pw.item_documents
                           where item_id = %(item)s and template = %(template)s), 0),
             %(template_digest)s, %(values_digest)s, %(docx)s, %(pdf)s, %(signed)s, %(pages)s, %(by)s, %(now)s""",
        {
            "item": work.item.item_id, "template": made.wanted.template.name, "title": made.wanted.document.title,
            "template_digest": made.wanted.template.digest, "values_digest": made.wanted.values_digest,
            "docx": made.docx_digest, "pdf": made.pdf_digest, "signed": made.wanted.document.signed,
            "pages": made.converted.pages, "by": made.converted.converted_by, "now": work.now(),
        },
    )  # fmt: skip


def _withdraw_others(connection: Connection, work: Work, templates: list[str]) -> int:
    """Documents that the playbook does not name any more; the letters of other stages are not ours."""
    return connection.execute(
        "update pw.item_documents set withdrawn_at = %s "
        "where item_id = %s and withdrawn_at is null and template <> all(%s)",
        (work.now(), work.item.item_id, [*templates, *LETTERS]),
    ).rowcount
