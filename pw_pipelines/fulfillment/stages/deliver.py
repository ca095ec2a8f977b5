"""Stage `deliver`: the mail with the result and its documents, once per item.

Custody: what is delivered is what was signed and what was filed, by digest. The digests stand in the mail's effect and
in a piece of evidence; where they are not the same, nothing is sent and a person looks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pw_pipelines import faults
from pw_pipelines.commerce import orders
from pw_pipelines.fulfillment import mails
from pw_pipelines.fulfillment.effects import Effect
from pw_pipelines.fulfillment.letters import delivery_letter
from pw_pipelines.fulfillment.model import FulfillmentError, Gate
from pw_pipelines.fulfillment.packets import filed_reference
from pw_pipelines.fulfillment.work import Work

PURPOSE, KIND = "delivery", "delivery_mail"
MOST_BYTES = 15_000_000  # of attachments in one mail; many servers refuse 25 MB, and encoding adds a third
SHOWN_TO_CUSTOMERS = {"application/pdf": "pdf", "image/png": "png"}


@dataclass(frozen=True)
class Paper:
    """One thing to be delivered. template None: the portal's confirmation."""

    title: str
    media_type: str
    digest: str
    template: str | None = None
    edition: int | None = None
    is_signed: bool = False


def run(work: Work) -> str:
    """Raises Gate `held` when what would be delivered is not what was filed, and what mails.send_once raises."""
    if work.playbook.procedure == "free":
        return "There is nothing to deliver."
    if (sent := mails.sent(work, PURPOSE)) is not None:
        _keep_manifest(work, sent)
        return "Delivered before."
    filing = _filing(work)
    papers = _documents(work)
    _demand_custody(work, papers, filing)
    with work.connect() as connection:
        confirmation = filing["reference"] if filing else filed_reference(connection, work.item.item_id)
    papers = [*_confirmations(work), *papers]
    letter = delivery_letter(work, [paper.title for paper in papers], confirmation)
    if letter is not None:
        papers = [Paper(letter.title, "application/pdf", letter.pdf_digest, letter.template, letter.edition), *papers]
    attached, left_out = _fitting(work, papers)
    effect = mails.send_once(
        work,
        KIND,
        work.item.customer_email,
        _text(work, attached, left_out, confirmation, link="").subject,
        _words(work, attached, left_out, confirmation),
        attachments=[(name, paper.media_type, content) for name, (paper, content) in attached.items()],
        purpose=PURPOSE,
        detail={"delivered": [_said(paper, name) for name, (paper, _) in attached.items()]
                + [_said(paper, None) for paper in left_out], "confirmation": confirmation},
    )  # fmt: skip
    faults.point("after.deliver.mailed")
    _keep_manifest(work, effect)
    return f"Mailed with {len(attached)} documents" + (f", {len(left_out)} by link." if left_out else ".")


def _documents(work: Work) -> list[Paper]:
    """The newest edition of each document that is delivered, signed where the playbook has it signed."""
    rows = {
        row["template"]: row
        for row in work.rows(
            "select * from pw.item_documents where item_id = %s and withdrawn_at is null order by edition",
            work.item.item_id,
        )
    }
    papers = []
    for document in work.playbook.documents:
        row = rows.get(document.template)
        if row is None or (document.signed and row["signed_digest"] is None):
            lacks = "was not made" if row is None else "is not signed"
            raise FulfillmentError(
                f"The document {document.template} of item {work.item.item_id} {lacks}; retry the item from the stage "
                f"`{'documents' if row is None else 'signature'}`."
            )
        digest = row["signed_digest"] or row["pdf_digest"]
        if document.delivered:
            papers.append(
                Paper(document.title, "application/pdf", digest, document.template, row["edition"], document.signed)
            )
    return papers


def _filing(work: Work) -> dict[str, Any] | None:
    """The filing's effect, where there was one."""
    found = work.rows(
        "select effect_id, reference, detail from pw.effects where item_id = %s and kind = 'filing' "
        "and state = 'done' order by effect_id desc limit 1",
        work.item.item_id,
    )
    return found[0] if found else None


def _demand_custody(work: Work, papers: Sequence[Paper], filing: Mapping[str, Any] | None) -> None:
    """Raises Gate `held` where the portal got another document than the one that would be delivered."""
    filed: Mapping[str, str] = (filing["detail"].get("uploads") or {}) if filing else {}
    differing = {
        template: {"filed": filed[template], "now": paper.digest}
        for paper in papers
        if (template := paper.template) is not None and filed.get(template, paper.digest) != paper.digest
    }
    if differing:
        raise Gate(
            "held",
            f"What would be delivered is not what was filed: {', '.join(sorted(differing))}. Nothing was sent.",
            detail={"differing": differing},
        )


def _confirmations(work: Work) -> list[Paper]:
    """What the portal showed or gave as its confirmation."""
    rows = work.rows(
        "select title, media_type, digest from pw.evidence where item_id = %s and kind = 'confirmation' "
        "and media_type = any(%s) order by evidence_id",
        work.item.item_id,
        list(SHOWN_TO_CUSTOMERS),
    )
    return [Paper(row["title"], row["media_type"], row["digest"]) for row in rows]


def _fitting(work: Work, papers: Sequence[Paper]) -> tuple[dict[str, tuple[Paper, bytes]], list[Paper]]:
    """Papers by the name of their file, as many as fit into a mail; and the others."""
    attached: dict[str, tuple[Paper, bytes]] = {}
    left_out, total = [], 0
    for paper in papers:
        if total + work.ground.objects.size(paper.digest) > MOST_BYTES:
            left_out.append(paper)
            continue
        content = work.object(paper.digest)
        if hashlib.sha256(content).hexdigest() != paper.digest:
            raise FulfillmentError(
                f"The object {paper.digest} holds other bytes than it was kept with; restore it from the backup."
            )
        total += len(content)
        attached[_name(paper, attached)] = (paper, content)
    return attached, left_out


def _name(paper: Paper, taken: Mapping[str, object]) -> str:
    ending = SHOWN_TO_CUSTOMERS[paper.media_type]
    title = paper.title.replace("/", "-")[:100]
    names = [f"{title}.{ending}", *(f"{title} ({number}).{ending}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _said(paper: Paper, name: str | None) -> dict[str, Any]:
    return {
        "template": paper.template, "edition": paper.edition, "digest": paper.digest, "signed": paper.is_signed,
        "file": name,
    }  # fmt: skip


def _words(
    work: Work, attached: Mapping[str, object], left_out: Sequence[Paper], confirmation: str | None
) -> str | Callable[[], str]:
    """The mail's text; with a link to the order's page, drawn as it is sent, where something did not fit."""
    if not left_out:
        return _text(work, attached, left_out, confirmation, link="").text

    def draw() -> str:
        with work.connect() as connection:
            token = orders.new_link(connection, work.item.order_id, why="delivery mail", now=work.now())
        return _text(work, attached, left_out, confirmation, link=mails.order_link(work.settings, token)).text

    return draw


def _text(
    work: Work, attached: Mapping[str, object], left_out: Sequence[Paper], confirmation: str | None, *, link: str
) -> mails.Text:
    item = work.item
    return mails.text_of(
        "delivery",
        {
            "number": item.order_number, "title": item.title, "frn": item.frn, "for_state": item.for_state,
            "company": item.company_name, "words": work.playbook.delivery_words, "confirmation": confirmation,
            "files": list(attached), "left_out": [paper.title for paper in left_out], "link": link,
        },
    )  # fmt: skip


def _keep_manifest(work: Work, effect: Effect) -> None:
    """What was delivered, as evidence; of one mail always the same bytes."""
    manifest = {
        "message_id": effect.reference, "effect": effect.key, "delivered": effect.detail.get("delivered", []),
        "attachments": effect.detail.get("attachments", {}), "confirmation": effect.detail.get("confirmation"),
        "sent_at": effect.done_at.isoformat() if effect.done_at else None,
    }  # fmt: skip
    content = json.dumps(manifest, sort_keys=True, indent=1).encode()
    work.keep(content, kind="mail", title="Delivery mail", media_type="application/json", effect_id=effect.effect_id)
