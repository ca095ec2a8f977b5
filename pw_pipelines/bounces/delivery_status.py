"""Delivery status notifications (RFC 3464, and RFC 6533 for addresses beyond ASCII): one result per recipient."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pw_pipelines.bounces.model import Result, quote
from pw_pipelines.bounces.parts import fields_in
from pw_pipelines.bounces.rules import rule_for

TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
MOST_RECIPIENTS = 1_000
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<!\d)([245]\d\d)(?!\d)")
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_LONGEST_ADDRESS = 600  # with its type, comments and marks
_PER_RECIPIENT = frozenset({"final-recipient", "original-recipient", "action", "status"})


@dataclass
class _Block:
    """Fields of one recipient: name -> (value, line as it stands)."""

    fields: dict[str, tuple[str, str]] = field(default_factory=dict)

    def value(self, name: str) -> str:
        return self.fields.get(name, ("", ""))[0]

    def lines(self, *names: str) -> tuple[str, ...]:
        return tuple(quote(self.fields[name][1]) for name in names if name in self.fields)


def reporting_mta(text: str) -> str | None:
    """The machine that wrote the report."""
    found = next((value for block in fields_in(text) for name, value, _ in block if name == "reporting-mta"), "")
    return _after_type(found) or None


def envelope_id(text: str) -> str | None:
    """The id we gave with the envelope (RFC 3461), if the report returns one."""
    found = (value for block in fields_in(text) for name, value, _ in block if name == "original-envelope-id")
    return next(found, None)


def results_of(text: str) -> list[Result]:
    """One result per recipient that the status part names; empty where it names none."""
    return [result for block in _recipients(text) if (result := _result(block)) is not None]


def _recipients(text: str) -> Iterator[_Block]:
    """The recipients' blocks in whatever order; where the empty line between two is missing, a field that comes
    again begins the next."""
    given = 0
    for fields in fields_in(text):
        if not any(name in _PER_RECIPIENT for name, _, _ in fields):
            continue
        block = _Block()
        for name, value, line in fields:
            if name in _PER_RECIPIENT and name in block.fields:
                given += 1
                yield block
                block = _Block()
            block.fields.setdefault(name, (value, line))
            if given >= MOST_RECIPIENTS:
                return
        given += 1
        yield block


def _result(block: _Block) -> Result | None:
    recipient, original = address_in(block.value("final-recipient")), address_in(block.value("original-recipient"))
    if recipient is None and original is None:
        return None
    diagnostic = block.value("diagnostic-code")
    own = _first(_STATUS, block.value("status"))
    answered = _first(_STATUS, diagnostic) or _by_code(diagnostic)
    action = _action(block.value("action"), own or answered)
    rule = rule_for(action, filter(None, (own, answered)), _after_type(diagnostic))
    return Result(
        class_=rule.class_,
        rule=rule.name,
        recipient=recipient,
        original=original,
        action=action,
        status=own or answered,
        remote_mta=_after_type(block.value("remote-mta")) or None,
        evidence=block.lines("original-recipient", "final-recipient", "action", "status", "diagnostic-code"),
    )


def _action(said: str, status: str | None) -> str:
    """The action without comments; where it is missing, what the status allows: a transient failure is a delay."""
    word = re.sub(r"\(.*?\)", " ", said[:200]).strip().lower().rstrip(".")
    if word in {"failed", "delayed", "delivered", "relayed", "expanded"}:
        return word
    return {"2": "delivered", "4": "delayed"}.get((status or "5")[0], "failed")


def _by_code(diagnostic: str) -> str | None:
    """`550` without an enhanced status says 5.0.0."""
    code = _first(_CODE, _after_type(diagnostic))
    return f"{code[0]}.0.0" if code else None


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found.group(1) if found else None


def _after_type(value: str) -> str:
    """`smtp; 550 …` -> `550 …`."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and re.fullmatch(r"[\w.-]+", kind.strip()) else value.strip()


def address_in(value: str) -> str | None:
    """The address of a recipient field, lower-cased; None where there is none that could be one."""
    kind, semicolon, rest = value[:_LONGEST_ADDRESS].partition(";")
    text = (rest if semicolon else kind).strip()
    text = re.sub(r"\(.*?\)", " ", text)
    if semicolon and kind.strip().lower() == "utf-8":
        text = _HEX.sub(lambda found: _char(found.group(1)), text)
    if found := re.search(r"<([^<>\s]+@[^<>\s]+)>", text):
        text = found.group(1)
    text = text.strip().strip("\"'<>;,").removeprefix("mailto:").lower()
    local, at, domain = text.rpartition("@")
    if not (at and local and domain) or len(text) > 254 or re.search(r"\s", text) or not text.isprintable():
        return None
    return text


def _char(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number <= 0xDFFF else "\ufffd"


def readings(address: str) -> tuple[str, ...]:
    """An address as it stands, and as xtext (RFC 3461 4), in which `+2B` is a plus."""
    as_xtext = _XTEXT.sub(lambda found: chr(int(found.group(1), 16)), address.upper()).lower()
    return tuple(dict.fromkeys((address, as_xtext)))
