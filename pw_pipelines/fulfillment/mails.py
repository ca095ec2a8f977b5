"""Mails to customers, each sent once: an effect whose Message-ID is made from its key, so that the archive can say
whether it went out.

Texts are Jinja2 files in `mail_texts/`: `<name>.txt`, and `<name>.html` where there is one. The first line of the text
is the subject; lines `Preheader:` (what a mailbox shows beside the subject) and `Button:` (the words of the button that
the link becomes) may follow it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from pw_pipelines import faults
from pw_pipelines.errors import OutsideRefused, OutsideUnavailable, UsageError
from pw_pipelines.fulfillment import effects
from pw_pipelines.fulfillment.effects import Effect
from pw_pipelines.fulfillment.model import Done, Gate, NotDone, Seen
from pw_pipelines.fulfillment.work import Work
from pw_pipelines.resources.mail import is_address
from pw_pipelines.settings import Settings

_LINK = r'<a href="\g<0>" style="overflow-wrap:anywhere">\g<0></a>'
_HEAD = re.compile(r"(Preheader|Button):([^\n]*)\n")
_ADDRESS = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,)]")
TEXTS = Path(__file__).with_name("mail_texts")
MOST_SUBJECT = 200
Attachment = tuple[str, str, bytes]  # file name, media type, content


class _Refused(NotDone):
    """The mail server will never take this mail; a person has to look."""


@dataclass(frozen=True)
class Text:
    """A mail's words. html None: made from the plain text, in which a paragraph that is a link and nothing else becomes
    a button with the words `button`, if there are any."""

    subject: str
    text: str
    html: str | None = None
    preheader: str = ""
    button: str = ""


def send_once(  # noqa: PLR0917 - a mail has this many parts
    work: Work,
    kind: str,
    to: str,
    subject: str,
    text: str | Text | Callable[[], str | Text],
    html: str | None = None,
    attachments: Sequence[Attachment] = (),
    *,
    purpose: str,
    detail: Mapping[str, Any] | None = None,
) -> Effect:
    """Sends the mail, or finds that it was sent. One `purpose` of an item is one mail, whatever happens meanwhile.

    kind: the effect's kind, such as `delivery_mail`. purpose: what it is for, once per item, such as
    `signature:<request id>:1`; no personal data. to: one address. Attachments count as content: the same purpose with
    others is a `duplicate`; the words do not, so that a link drawn anew stops nobody. text may be a function: it is
    called only when the mail is about to be sent, for what must not be made in vain, such as a link. detail: more to be
    kept with the effect; no personal data.

    Raises UsageError for an address, subject or file name that can't be, Gate (`error` where the recipient or the mail
    is refused for good, and those of effects.once) and NotDone.
    """
    key = key_of(work.item.item_id, purpose)
    message_id = message_id_of(key, work.ground.mail.domain)
    contents = {name: hashlib.sha256(content).hexdigest() for name, _, content in attachments}
    said = {**(detail or {}), "purpose": purpose, "attachments": contents}

    def draw(words: str | Text) -> EmailMessage:
        said_so = words if isinstance(words, Text) else Text(subject, words, html)
        return compose(
            work.settings, to=to, subject=subject, text=said_so.text, html=said_so.html, attachments=attachments,
            message_id=message_id, timestamp=work.now().timestamp(), preheader=said_so.preheader,
            button=said_so.button,
        )  # fmt: skip

    draw("A draft." if callable(text) else text)  # what can't be written is an error before anything is begun

    def perform(effect: Effect) -> Done:
        try:
            message = draw(text() if callable(text) else text)
        except Exception as error:
            raise NotDone(f"The mail could not be written ({type(error).__name__}); nothing was sent.") from error
        faults.point("mail.send.begin")
        try:
            work.ground.mail.send(message)
        except OutsideUnavailable as away:
            raise NotDone(str(away)) from away
        except OutsideRefused as refused:
            raise _Refused(str(refused)) from refused
        return Done(message_id, said)

    def probe(effect: Effect) -> Seen:
        seen = work.ground.mail.was_sent(message_id)
        return Seen(seen.happened, seen.text, message_id if seen.happened else None, said if seen.happened else {})

    try:
        return effects.once(
            work, kind=kind, key=key, payload_digest=_digest_of(to, contents), perform=perform, probe=probe
        )
    except _Refused as refused:
        raise Gate("error", str(refused), detail={"kind": "OutsideRefused", "effect": key}) from refused


def sent(work: Work, purpose: str) -> Effect | None:
    """The mail of this purpose where it was sent, by the ledger."""
    found = work.rows(
        "select effect_id from pw.effects where key = %s and state = 'done'", key_of(work.item.item_id, purpose)
    )
    return effects.read(work, found[0]["effect_id"]) if found else None


def key_of(item_id: int, purpose: str) -> str:
    """The effect's key: what is meant by this mail."""
    return f"mail:{item_id}:{purpose}"


def message_id_of(key: str, domain: str) -> str:
    """The Message-ID of the mail with this key, the same at every try."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def compose(
    settings: Settings,
    *,
    to: str,
    subject: str,
    text: str,
    html: str | None = None,
    attachments: Sequence[Attachment] = (),
    message_id: str,
    timestamp: float,
    preheader: str = "",
    button: str = "",
) -> EmailMessage:
    """The mail, ready to send: plain text and HTML, who we are and where, and that a machine wrote it.

    Raises UsageError for what is no address, and for a subject or file name with line breaks or control characters.
    """
    if not is_address(to):
        raise UsageError("The recipient is no e-mail address that can be written to.", field="to")
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.mail_from
    message["To"] = Address(addr_spec=to)
    message["Subject"] = _one_line(subject, "subject", MOST_SUBJECT)
    message["Date"] = formatdate(timestamp, usegmt=True)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    address = settings.firm_address.strip()
    plain = f"{text.strip()}\n\n--\n{address}\n"
    message.set_content(plain, cte="quoted-printable")
    message.add_alternative(
        _render("base.html", {"body": html or _paragraphs(text, button), "address": address, "preheader": preheader}),
        subtype="html",
        cte="quoted-printable",
    )  # fmt: skip
    for name, media_type, content in attachments:
        main, _, sub = media_type.partition("/")
        if not re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", media_type):
            raise UsageError(f"{media_type!r} is no media type.", field="attachments")
        message.add_attachment(content, maintype=main, subtype=sub, filename=_file_name(name))
    return message


def text_of(name: str, values: Mapping[str, Any]) -> Text:
    """The words of `mail_texts/<name>.txt` (and `.html`), filled in. Values are text, never template code; a name that
    is missing among them is an error, not a gap."""
    filled = _render(f"{name}.txt", values)
    subject, _, text = filled.partition("\n")
    said: dict[str, str] = {}
    while found := _HEAD.match(text):
        said[found[1].lower()], text = found[2].strip(), text[found.end() :]
    html = _render(f"{name}.html", values) if (TEXTS / f"{name}.html").exists() else None
    return Text(subject.strip(), text.strip() + "\n", html, said.get("preheader", ""), said.get("button", ""))


def order_link(settings: Settings, token: str) -> str:
    """The address of an order's page by one of its links (orders.new_link)."""
    return f"{settings.public_url.rstrip('/')}/orders/{token}"


@lru_cache(maxsize=1)
def _texts() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEXTS), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=select_autoescape(["html"]),
    )  # fmt: skip


def read_texts() -> None:
    """Parses every text, so that forks of this process have them."""
    for name in _texts().list_templates():
        _texts().get_template(name)


def _render(name: str, values: Mapping[str, Any]) -> str:
    return _texts().get_template(name).render(values)


def _paragraphs(text: str, button: str = "") -> str:
    """Plain text as simple HTML; addresses of pages become links, one that stands alone a button."""
    paragraphs = []
    for part in re.split(r"\n\s*\n", text.strip()):
        if button and _ADDRESS.fullmatch(part.strip()):
            paragraphs.append(_render("button.html", {"link": part.strip(), "words": button}))
            continue
        safe = _ADDRESS.sub(_LINK, escape(part, quote=False))
        paragraphs.append(f"<p>{safe.replace(chr(10), '<br>')}</p>")
    return "\n".join(paragraphs)


def _one_line(text: str, field: str, most: int) -> str:
    if re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", text) or not text.strip():
        raise UsageError(f"The {field} of a mail is one line without control characters.", field=field)
    return text.strip()[:most]


def _file_name(name: str) -> str:
    """A name that is a name on every machine: no folder, no control character, no hidden file."""
    plain = _one_line(name, "file name", 150)
    return re.sub(r"[^\w .()+,&'-]", "_", plain.replace("..", "_")).strip(" .") or "document"


def _digest_of(to: str, contents: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps([to.lower(), dict(contents)], sort_keys=True).encode()).hexdigest()
