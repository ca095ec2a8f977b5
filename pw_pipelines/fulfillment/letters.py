"""The letter that goes with a delivery: drawn up once per item, from a template a lawyer can edit."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pw_pipelines.documents.rendering import MissingValues, fill, values_digest
from pw_pipelines.documents.template import names_of_templates, template_named
from pw_pipelines.fulfillment import gathering
from pw_pipelines.fulfillment import lease as leases
from pw_pipelines.fulfillment.facts import facts, known_values
from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.fulfillment.work import Work

TEMPLATE, TITLE = "delivery_letter", "Delivery letter"


@dataclass(frozen=True)
class Letter:
    """A letter that was drawn up."""

    template: str
    title: str
    edition: int
    pdf_digest: str


def delivery_letter(work: Work, titles: Sequence[str], confirmation: str | None) -> Letter | None:
    """The item's letter, made now or before; None where the template is not there.

    What was made is kept, so that a stage that is begun anew delivers the same letter. Raises Gate `details` naming
    what the template lacks.
    """
    if TEMPLATE not in names_of_templates():
        return None
    if (made := _made(work)) is not None:
        return made
    with work.connect() as connection:
        values = known_values(connection, work.item.item_id)
    today = work.ground.clock.today()
    values |= gathering.from_order(work.item) | {"today": today.isoformat()}
    values |= {
        name: value for name, value in gathering.from_firm(work.item, work.settings, today).items()
        if name.startswith("firm_")
    }  # fmt: skip
    said = {
        "service_title": work.item.title,
        "work_done": work.playbook.delivery_words,
        "documents_listed": "\n".join(titles) or None,
        "packet_why": work.playbook.packet_why,
        "confirmation_number": confirmation,
    }
    values |= {name: value for name, value in said.items() if value is not None and name in facts()}
    try:
        docx = fill(template_named(TEMPLATE), values)
    except MissingValues as missing:
        raise Gate("details", str(missing), detail={"missing": missing.names}) from None
    job = f"{work.item.order_number}-{work.item.item_id}-{TEMPLATE}"
    converted = work.ground.converter.to_pdf(docx, job)
    digests = {"docx": _keep(work, docx), "pdf": _keep(work, converted.pdf)}
    with work.connect(patiently=True) as connection:
        leases.demand(connection, work.lease)
        connection.execute(
            """insert into pw.item_documents (item_id, template, title, edition, template_digest, values_digest,
                 docx_digest, pdf_digest, is_signed_by_customer, pages, converted_by, made_at)
               select %(item)s, %(template)s, %(title)s, 1, %(template_digest)s, %(values_digest)s, %(docx)s, %(pdf)s,
                 false, %(pages)s, %(by)s, %(now)s
               on conflict (item_id, template, edition) do nothing""",
            {
                "item": work.item.item_id, "template": TEMPLATE, "title": TITLE,
                "template_digest": template_named(TEMPLATE).digest, "values_digest": values_digest(TEMPLATE, values),
                "pages": converted.pages, "by": converted.converted_by, "now": work.now(), **digests,
            },
        )  # fmt: skip
    return _made(work)


def _made(work: Work) -> Letter | None:
    rows = work.rows(
        "select template, title, edition, pdf_digest from pw.item_documents where item_id = %s and template = %s "
        "order by edition limit 1",
        work.item.item_id,
        TEMPLATE,
    )
    return Letter(**rows[0]) if rows else None


def _keep(work: Work, content: bytes) -> str:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return work.ground.objects.put(Path(file.name))
