"""Bounces without a status part: qmail, Exim, sendmail, older Exchange and everybody's own words.

Read only where a mail server signs as the writer. What our patterns do not find is asked of flufl.bounce, which knows
more old formats but not what they mean: its finds are `unknown`, counted like soft ones.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from email.message import Message

from flufl.bounce import all_failures

from pw_pipelines.bounces.delivery_status import address_in
from pw_pipelines.bounces.ids import QUOTED_FROM
from pw_pipelines.bounces.model import Result, quote
from pw_pipelines.bounces.parts import header, text_of
from pw_pipelines.bounces.rules import rule_for

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # a strange mail is no fault of ours

MOST_LINES = 400
MOST_REASON_LINES = 12
_ADDRESS = r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+\.[^\s<>()\[\]\"',;:.]{2,}"
# A line that gives an address its own paragraph: `<a@b>:`, `  a@b`, `a@b: reason`, `'a@b' on 3/4`, `To: a@b`.
_HEAD = re.compile(
    rf"^\s*(?:[*•·-]\s+)?(?:(?:to|for|recipient|final recipient|address)\s*:\s*)?[<\"'(\[]*({_ADDRESS})[>\"')\]]*(.*)$",
    re.IGNORECASE,
)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.])([245]\d\d)(?=[\s-])")
_DELAYS = re.compile(
    r"(warning|delayed|still trying|not yet (been )?delivered|delivery attempts will continue|"
    r"do not need to (resend|do anything)|will (continue to )?(be )?(retried|retry|try)|temporarily undeliverable)",
    re.IGNORECASE,
)
_MACHINE = re.compile(r"\b(?:host|remote|server|by)\s+([a-z0-9.-]+\.[a-z]{2,})", re.IGNORECASE)


def results_of(message: Message, text: str) -> list[Result]:
    """One result per address the text says failed. `text`: the mail's plain text."""
    body = QUOTED_FROM.split(text, maxsplit=1)[0]
    action = "delayed" if _is_delay(message, body) else "failed"
    found = {result.recipient: result for result in _paragraphs(body, action)}
    named = [address for part in header(message, "X-Failed-Recipients").split(",") if (address := address_in(part))]
    whole = " ".join(body[:4_000].split())
    for address in named:
        if address not in found or found[address].class_ == "unknown":
            found[address] = _result(address, [whole], action, extra=f"X-Failed-Recipients: {address}")
    wanted = {address: found[address] for address in named} if named else found
    return list(wanted.values()) or _by_flufl(message)


def _is_delay(message: Message, body: str) -> bool:
    return _DELAYS.search(header(message, "Subject")) is not None or _DELAYS.search(body[:1_500]) is not None


def _paragraphs(body: str, action: str) -> Iterator[Result]:
    """Addresses at the beginning of a line with the reason that follows them; an address without one says nothing."""
    lines = body.splitlines()[:MOST_LINES]
    number = 0
    while number < len(lines):
        head = _HEAD.match(lines[number])
        address = address_in(head.group(1)) if head else None
        if head is None or address is None:
            number += 1
            continue
        reason = [lines[number]]
        number += 1
        gap = 0
        while number < len(lines) and len(reason) < MOST_REASON_LINES and not _HEAD.match(lines[number]):
            gap = gap + 1 if not lines[number].strip() else 0
            if gap > 1 or (gap == 1 and len(reason) > 1 and _tells(reason[1:])):
                break
            reason.append(lines[number])
            number += 1
        if _tells([head.group(2), *reason[1:]]):
            yield _result(address, reason, action)


def _tells(reason: list[str]) -> bool:
    """Whether the words hold a code, a status or a known phrase."""
    text = " ".join(reason)
    if _STATUS.search(text) or _CODE.search(text):
        return True
    return rule_for("failed", (), text).name != "unspecific"


def _result(address: str, reason: list[str], action: str, extra: str | None = None) -> Result:
    text = " ".join(" ".join(reason).split())
    status = _STATUS.search(text)
    code = _CODE.search(text)
    told = status.group(1) if status else (f"{code.group(1)[0]}.0.0" if code else None)
    rule = rule_for(action, filter(None, [told]), text)
    machine = _MACHINE.search(text)
    lines = [quote(line) for line in reason if line.strip()]
    return Result(
        class_=rule.class_,
        rule=rule.name,
        recipient=address,
        action=action,
        status=told,
        remote_mta=machine.group(1).lower() if machine else None,
        evidence=tuple(([extra] if extra else []) + lines[:MOST_REASON_LINES]),
    )


def _by_flufl(message: Message) -> list[Result]:
    try:
        temporary, permanent = all_failures(message)
    except Exception as error:  # noqa: BLE001 - a detector that stumbles over a strange mail found nothing
        logging.getLogger(__name__).info("flufl.bounce could not read a mail: %s", type(error).__name__)
        return []
    found = []
    for raw in sorted({*temporary, *permanent}):
        address = address_in(raw.decode("utf-8", "replace"))
        if address is not None:
            found.append(
                Result("delayed", "flufl_temporary", recipient=address, action="delayed", evidence=(address,))
                if raw not in permanent
                else Result("unknown", "flufl_permanent", recipient=address, action="failed", evidence=(address,))
            )
    return found


def plain_text(parts: list[Message]) -> str:
    """The text for people: every text/plain part, or the HTML ones without their marks where there is none."""
    texts = [text_of(part) for part in parts if part.get_content_type() == "text/plain" and not part.is_multipart()]
    if any(text.strip() for text in texts):
        return "\n\n".join(texts)
    pages = [text_of(part) for part in parts if part.get_content_type() == "text/html"]
    return "\n".join(re.sub(r"<(?![^<>\s@]+@)[^<>]*>", "\n", page) for page in pages)
