"""What ties a report to a mail of ours, read from the returned headers and from the report's own recipient."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.message import Message

from pw_pipelines.bounces.delivery_status import address_in, envelope_id
from pw_pipelines.bounces.model import Ids
from pw_pipelines.bounces.parts import RETURNED, fields_in, header, text_of

_MESSAGE_ID = re.compile(r"<[A-Za-z0-9._+-]{8,128}@[A-Za-z0-9.-]{1,253}>")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TAG = re.compile(r"\+([0-9a-f]{32})@", re.IGNORECASE)
_SEGMENT = re.compile(r"[a-z][a-z0-9_]{1,39}")
_ENVELOPE = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")
# Where a plain text bounce begins to quote our mail.
QUOTED_FROM = re.compile(
    r"^.{0,12}(below this line is a copy|original message(?: headers)?|this is a copy of the message|"
    r"unsent message (?:below|follows)|returned message|message header follows|copy of your message|"
    r"message headers? follow|undeliverable message|message text follows).*$",
    re.IGNORECASE | re.MULTILINE,
)


def ids_of(message: Message, parts: Iterable[Message], status_text: str = "") -> Ids:
    """The ids of a report: returned headers, its envelope's tag, the envelope id."""
    fields: dict[str, list[str]] = {}
    for part in parts:
        returned = _returned(part)
        for name, value, _ in returned:
            fields.setdefault(name, []).append(value)
    tags = [
        tag.lower() for name in _ENVELOPE for value in message.get_all(name, []) for tag in _TAG.findall(str(value))
    ]
    envelope = envelope_id(status_text) or ""
    return Ids(
        message_ids=tuple(
            dict.fromkeys(
                found for value in (*fields.get("message-id", ()), envelope) for found in _MESSAGE_ID.findall(value)
            )
        ),
        tags=tuple(dict.fromkeys(tags)),
        campaign=_first(_UUID, fields.get("x-listmonk-campaign", ())),
        subscriber=_first(_UUID, fields.get("x-listmonk-subscriber", ())),
        segment=_first(_SEGMENT, fields.get("x-pw-segment", ())),
        to=tuple(dict.fromkeys(found for value in fields.get("to", ()) if (found := address_in(value)))),
    )


def _returned(part: Message) -> list[tuple[str, str, str]]:
    """The header fields of the mail that came back, if this part returns it."""
    kind = part.get_content_type()
    if kind in {"message/rfc822", "message/global"}:
        payload = part.get_payload()
        inner = payload[0] if isinstance(payload, list) and payload else None
        if isinstance(inner, Message) and inner.keys():
            return [(name.lower(), header(inner, name) or str(value), str(value)) for name, value in inner.items()]
    if kind in RETURNED:
        return next(iter(fields_in(text_of(part))), [])
    if kind == "text/plain":
        text = text_of(part)
        if quoted := QUOTED_FROM.search(text):
            return [field for block in fields_in(text[quoted.end() :])[:3] for field in block]
    return []


def _first(pattern: re.Pattern[str], values: Iterable[str]) -> str | None:
    return next((found.group() for value in values if (found := pattern.fullmatch(value.strip().lower()))), None)
