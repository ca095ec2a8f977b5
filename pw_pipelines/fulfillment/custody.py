"""The evidence file of an item: one ZIP with everything that shows what was signed, filed, confirmed and delivered.

    evidence.json   the rows, the trail of the signature, the texts agreed to, and what the signer sent
    evidence.p7s    the firm's signature over evidence.json
    objects/…       every object it speaks of, under its SHA-256

`custody_checks.verify` examines it without any of our systems. It holds personal data: whoever makes one is named in
the access log.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from pw_pipelines.documents.signing import ceremony, chain, requests
from pw_pipelines.documents.signing.canonical import canonical, moment, sha256
from pw_pipelines.documents.signing.consent import INTENT_WORDS, PERJURY_WORDS, consent
from pw_pipelines.documents.signing.sealing import Seal
from pw_pipelines.fulfillment import items
from pw_pipelines.fulfillment.custody_checks import FORMAT, LIST, SIGNATURE, Check, verify
from pw_pipelines.fulfillment.ground import Ground
from pw_pipelines.fulfillment.model import Connection, FulfillmentError

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # every member's time, so that the same item makes the same list
_DOCUMENTS = "select * from pw.item_documents where item_id = %s order by document_id"
_EVIDENCE = "select * from pw.evidence where item_id = %s order by evidence_id"
_APPROVALS = "select * from pw.approvals where item_id = %s order by approval_id"
_EFFECTS = "select * from pw.effects where item_id = %s order by effect_id"
_EFFECT_EVENTS = """
    select e.* from pw.effect_events e join pw.effects using (effect_id) where item_id = %s order by event_id
"""
_REQUESTS = "select * from pw.signature_requests where item_id = %s order by request_id"
_UNSAID = {"owner", "lease_owner", "lease_token"}  # how our processes are called proves nothing


def evidence_file(ground: Ground, item_id: int, path: Path, *, by: str, why: str) -> list[Check]:
    """Writes the item's evidence file and examines it; `by` and `why` go in the access log.

    Raises FulfillmentError when there is no such item, or an object is missing in the store.
    """
    now = ground.clock.now()
    with ground.db.connect(application="pw-fulfillment") as connection:
        content = _content(connection, ground, item_id, by=by, why=why, now=now)
    listed = canonical(content)
    seal = Seal(ground.settings)
    draft = path.with_name(f"{path.name}.part")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as made:
            _add(made, LIST, listed)
            _add(made, SIGNATURE, seal.sign_bytes(listed, now=now))
            for digest in content["objects"]:
                _add(made, f"objects/{digest}", _object(ground, digest))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return verify(path, seals=[seal.fingerprint])


def evidence_file_of_order(
    ground: Ground, order_number: str, folder: Path, *, by: str, why: str
) -> dict[Path, list[Check]]:
    """An evidence file per item of the order, named by order and item. Raises FulfillmentError for an unknown order."""
    with ground.db.connect(application="pw-fulfillment") as connection:
        rows = connection.execute(
            "select item_id from pw.item_work join pw.orders using (order_id) where number = %s order by item_id",
            (order_number,),
        ).fetchall()
    if not rows:
        raise FulfillmentError(f"There is no paid order {order_number} whose items are worked.")
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for row in rows:
        path = folder / f"evidence-{order_number}-{row['item_id']}.zip"
        found[path] = evidence_file(ground, int(str(row["item_id"])), path, by=by, why=why)
    return found


def _content(
    connection: Connection, ground: Ground, item_id: int, *, by: str, why: str, now: datetime
) -> dict[str, Any]:
    item = items.read_item(connection, item_id)

    def rows(query: str) -> list[dict[str, Any]]:
        return [_plain(row) for row in connection.execute(query.encode(), (item_id,)).fetchall()]

    documents, evidence = rows(_DOCUMENTS), rows(_EVIDENCE)
    asked = [requests.read(connection, row["request_id"]) for row in rows(_REQUESTS)]
    records = {
        str(one.request_id): ceremony.record_of(connection, ground.vault, one, by=by, why=why, now=now)
        for one in asked
        if one.state == "signed"
    }
    names = ("docx_digest", "pdf_digest", "signed_digest")
    digests = {one[name] for one in documents for name in names} | {one["digest"] for one in evidence}
    events = [one.as_json() for one in chain.read_chain(connection, item_id)]
    agreed = {one["data"]["version"] for one in events if one["type"] == "consented"}
    texts = {version: consent(version) for version in sorted(agreed)}
    texts |= {words.version: words for words in (PERJURY_WORDS, INTENT_WORDS)}
    return {
        "format": FORMAT,
        "made_at": moment(now),
        "item": {
            "item_id": item.item_id, "order_number": item.order_number, "service": item.service, "title": item.title,
            "frn": item.frn, "company": item.company_name, "for_state": item.for_state, "stage": item.stage,
            "perjury": any(one.needs_perjury_statement for one in asked),
        },
        "documents": documents,
        "requests": [_plain(row) for row in rows(_REQUESTS)],
        "events": events,
        "records": records,
        "texts": {version: {"text": words.text, "digest": words.digest} for version, words in texts.items()},
        "effects": rows(_EFFECTS),
        "effect_events": rows(_EFFECT_EVENTS),
        "approvals": rows(_APPROVALS),
        "evidence": evidence,
        "objects": sorted(filter(None, digests)),
    }  # fmt: skip


def _object(ground: Ground, digest: str) -> bytes:
    with ground.objects.open(digest) as file:
        content = file.read()
    if sha256(content) != digest:
        raise FulfillmentError(f"The object {digest} is damaged in the object store. Restore it from the backup.")
    return content


def _add(made: zipfile.ZipFile, name: str, content: bytes) -> None:
    made.writestr(zipfile.ZipInfo(name, _EARLIEST), content, zipfile.ZIP_DEFLATED)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON has it."""
    return {name: _value(value) for name, value in row.items() if name not in _UNSAID}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, (date, UUID, Decimal)):
        return str(value)
    return json.loads(json.dumps(value)) if isinstance(value, (dict, list)) else value


__all__ = ["Check", "evidence_file", "evidence_file_of_order", "verify"]
