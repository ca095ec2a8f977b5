"""One item's filing: what is meant, what goes into the form, what was done of it, and who does it."""

from __future__ import annotations

import base64
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256

from pw_pipelines.clock import eastern_day
from pw_pipelines.filings.material import Material, Shot, Upload, canonical
from pw_pipelines.filings.portal import Portal
from pw_pipelines.filings.steps import names_in
from pw_pipelines.filings.wording import fill_in
from pw_pipelines.fulfillment.effects import Effect
from pw_pipelines.fulfillment.facts import facts, known_values
from pw_pipelines.fulfillment.gathering import from_order
from pw_pipelines.fulfillment.model import Connection, Gate, ItemView
from pw_pipelines.fulfillment.playbook import playbook_of
from pw_pipelines.fulfillment.work import Work

KIND = "filing"
READER = "fulfilment"
SALT = "filing_salt"
STATE_PIECE = 9_000  # the vault's values are short; a browser's state may be longer
STATE_DAYS = 2


@dataclass(frozen=True)
class Plan:
    """What is to be filed. `effect_key`: its name in the ledger."""

    effect_key: str
    material: Material

    @property
    def portal(self) -> Portal:
        """Where."""
        return self.material.portal


def effect_key(connection: Connection, item: ItemView) -> str:
    """The ledger's name of the item's filing. Raises Gate `details` when a fact in it is not known."""
    template = playbook_of(item.service, item.for_state).key
    assert template is not None, "nothing says what this means"
    key = _key(connection, item, template)
    while (other := _given_up(connection, key, item.item_id)) is not None:
        key = f"{key}:after:{other}"
    return key


def demand_only_one(connection: Connection, item: ItemView, key: str) -> None:
    """Raises Gate `duplicate` where the item filed under another name already (its facts were changed since), or
    another item files, or filed, what would say the same in another form."""
    filing = playbook_of(item.service, item.for_state).filing
    also = [_key(connection, item, one) for one in filing.also] if filing else []
    row = connection.execute(
        """select effect_id, item_id, key, state from pw.effects
           where kind = %s and state <> 'not_done'
             and ((item_id = %s and key <> %s) or (item_id <> %s and key = any(%s)))
           order by effect_id limit 1""",
        (KIND, item.item_id, key, item.item_id, also),
    ).fetchone()
    if row is not None:
        raise Gate(
            "duplicate",
            f"{row['key']} is {row['state']} for item {row['item_id']}; {key} would file it once more.",
            detail={"effect_id": row["effect_id"], "other_item": row["item_id"]},
        )


def _key(connection: Connection, item: ItemView, template: str) -> str:
    values = {**from_order(item), **known_values(connection, item.item_id)}
    if missing := lacking(template, values):
        raise Gate("details", "What the filing is about is not known.", detail={"missing": missing})
    return key_of(template, values)


def lacking(template: str, values: Mapping[str, str]) -> list[str]:
    """What a key names and nobody knows."""
    return sorted(name for name in names_in(template) if not values.get(name, "").strip())


def key_of(template: str, values: Mapping[str, str]) -> str:
    """The ledger's name of what these values mean."""
    return f"filing:{fill_in(template, {name: plain(name, value) for name, value in values.items()})}"


def plain(name: str, value: str) -> str:
    """A value as it stands in a key: two ways to write one thing are one thing. No register tells companies apart by
    case, blanks, commas or full stops."""
    text = unicodedata.normalize("NFKC", value).casefold()
    if name == "frn":
        return re.sub(r"\D", "", text).zfill(10)
    if name in ("quarter", "vintage", "year", "prior_year"):
        return re.sub(r"\s", "", text)
    return " ".join(re.sub(r"[.,'\u2019\"]", "", text).split())


def _given_up(connection: Connection, key: str, item_id: int) -> int | None:
    """Another item that wanted the same, did not do it, and ended with its order: it will never do it."""
    row = connection.execute(
        "select e.item_id from pw.effects e join pw.item_work w using (item_id) "
        "where e.key = %s and e.item_id <> %s and e.state = 'not_done' and w.state = 'stopped'",
        (key, item_id),
    ).fetchone()
    return None if row is None else int(row["item_id"])


def by_hand(work: Work) -> str | None:
    """Why a person files this, in a sentence; None: we do."""
    playbook = work.playbook
    if playbook.filing is None:
        return playbook.packet_why
    portal = work.ground.filing.portal(playbook.filing.portal)
    if portal.terms.automation == "forbidden":
        return f"{portal.title} does not allow programs: {portal.terms.source}"
    if work.settings.is_sandbox:
        return None
    if portal.terms.automation == "unknown":
        return f"Whether {portal.title} allows programs is not known: {portal.terms.source}"
    if portal.verified is None:
        return f"Nobody has seen yet that our description of {portal.title} holds on the real portal."
    return None


def plan(work: Work) -> Plan:
    """Everything that goes into the form: facts, private ones too, and the signed documents.

    Raises Gate `details` when what is meant is not known, `error` when a document was not made or signed.
    """
    filing = work.playbook.filing
    assert filing is not None, "what a person files has no plan"
    item, now = work.item, work.now()
    with work.connect() as connection:
        key = effect_key(connection, item)
        values = {**from_order(item), **known_values(connection, item.item_id)}
        vault = work.ground.vault
        portal = work.ground.filing.portal(filing.portal)
        form = portal.form(filing.form)
        wanted = form.names | (form.lookup.names if form.lookup else set())
        wanted |= {portal.quota.fact} if portal.quota else set()
        for name in sorted(name for name in wanted if name in facts() and facts()[name].private):
            value = vault.get(
                connection, item.item_id, name, by=READER, why=f"{portal.portal}: the form is filled", now=now
            )
            if value is not None:
                values[name] = value
        salt = vault.get(connection, item.item_id, SALT, by=READER, why="digest of the filled form", now=now)
        if salt is None:
            salt = secrets.token_hex(32)
            vault.put(connection, item.item_id, SALT, salt, now=now)
        digests = signed_documents(connection, item.item_id)
    if missing := [template for template in form.documents if template not in digests]:
        raise Gate("error", f"Documents of the filing are not there, or not signed: {', '.join(missing)}.")
    uploads = {name: Upload(name, f"{name}.pdf", work.object(digests[name])) for name in form.documents}
    if damaged := [name for name, upload in uploads.items() if upload.digest != digests[name]]:
        raise Gate("error", f"In the object store is not what was signed: {', '.join(damaged)}.")
    material = Material(portal, filing.form, key.removeprefix("filing:"), values, uploads, bytes.fromhex(salt))
    return Plan(key, material)


def signed_documents(connection: Connection, item_id: int) -> dict[str, str]:
    """Digest of each document's newest edition by template: signed, where it is to be signed; without those that are
    not yet."""
    rows = connection.execute(
        """select distinct on (template) template, is_signed_by_customer, signed_digest, pdf_digest
           from pw.item_documents where item_id = %s and withdrawn_at is null order by template, edition desc""",
        (item_id,),
    ).fetchall()
    item = connection.execute("select service from pw.item_work where item_id = %s", (item_id,)).fetchone()
    assert item is not None
    to_sign = {document.template for document in playbook_of(item["service"]).documents if document.signed}
    return {
        row["template"]: row["signed_digest"] or row["pdf_digest"]
        for row in rows
        if row["signed_digest"] is not None or row["template"] not in to_sign
    }


def by_hand_digest(work: Work) -> str:
    """What a filing by hand is booked under: the documents that were there for it."""
    with work.connect() as connection:
        digests = signed_documents(connection, work.item.item_id)
    return sha256(canonical(digests)).hexdigest()


def effect_of(work: Work, key: str) -> Effect | None:
    """The ledger's row of this filing, if there is one."""
    rows = work.rows("select * from pw.effects where key = %s", key)
    return Effect(**rows[0]) if rows else None


def first_meant_on(work: Work, effect: Effect) -> date:
    """The day before the filing was first begun: nothing older on the portal is it, whatever its clock says."""
    [row] = work.rows("select min(at) as at from pw.effect_events where effect_id = %s", effect.effect_id)
    return eastern_day(row["at"] or effect.intended_at) - timedelta(days=1)


def keep_shots(work: Work, shots: Iterable[Shot], *, kind: str, effect_id: int | None = None) -> list[str]:
    """Keeps pages as evidence; returns the digests of the pictures."""
    pictures = []
    for shot in shots:
        work.keep(shot.html, kind=kind, title=f"{shot.title} (page)", media_type="text/html", effect_id=effect_id)
        if shot.picture is not None:
            pictures.append(
                work.keep(shot.picture, kind=kind, title=shot.title, media_type="image/png", effect_id=effect_id)
            )
    return pictures


def keep_state(work: Work, portal: Portal, state: str) -> None:
    """Keeps a browser's cookies and storage for the person who goes on in it, encrypted, for two days."""
    packed = base64.b64encode(state.encode()).decode()
    pieces = [packed[start : start + STATE_PIECE] for start in range(0, len(packed), STATE_PIECE)]
    now = work.now()
    with work.connect() as connection:
        vault, item_id = work.ground.vault, work.item.item_id
        vault.erase(connection, item_id, now=now, names=_state_names(vault.names(connection, item_id), portal))
        for number, piece in enumerate(pieces):
            vault.put(
                connection, item_id, f"{_prefix(portal)}{number:03}", piece, now=now,
                erase_on=eastern_day(now) + timedelta(days=STATE_DAYS),
            )  # fmt: skip
        connection.execute(
            "update pw.filing_portals set browser_state_digest = %s where portal = %s",
            (sha256(state.encode()).hexdigest(), portal.portal),
        )


def kept_state(work: Work, portal: Portal, *, by: str = READER) -> str | None:
    """The browser's state a person worked in, if there is one."""
    with work.connect() as connection:
        vault, item_id, now = work.ground.vault, work.item.item_id, work.now()
        names = _state_names(vault.names(connection, item_id), portal)
        pieces = [
            vault.get(connection, item_id, name, by=by, why=f"{portal.portal}: the session goes on", now=now)
            for name in names
        ]
    packed = "".join(piece or "" for piece in pieces)
    return base64.b64decode(packed).decode() if packed else None


def _prefix(portal: Portal) -> str:
    return f"browser_state_{portal.portal}_"


def _state_names(names: Iterable[str], portal: Portal) -> list[str]:
    return sorted(name for name in names if name.startswith(_prefix(portal)))
