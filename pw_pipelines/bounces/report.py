"""A mail of the bounce mailbox -> what it says of each recipient. Pure: bytes in, a Report out; never raises.

Order: an abuse report (RFC 5965) · a status part (RFC 3464) · an automatic answer, which never counts · the words of a
mail server · anything else. Only a status part, an abuse report or a mail server's own words can speak against an
address; a report inside a forwarded or returned mail is somebody's attachment, not a report.
"""

from __future__ import annotations

from email.errors import MessageError
from email.message import Message

from pw_pipelines.bounces import delivery_status, feedback, plain_text
from pw_pipelines.bounces.auto_replies import DISPOSITION, is_from_server, own_sign_of, sign_of
from pw_pipelines.bounces.ids import ids_of
from pw_pipelines.bounces.model import Report, Result, quote
from pw_pipelines.bounces.parts import header, parsed, parts_of, text_of


def read_report(content: bytes) -> Report:
    """What a mail says. Mails of any size and shape are read as far as they can be; what says nothing is
    `not_a_report` with the line that made it so."""
    try:
        message = parsed(content)
        return _read(message, list(parts_of(message)))
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError) as error:
        line = f"The mail could not be taken apart ({type(error).__name__})."
        return Report("other", [Result("not_a_report", "unreadable", evidence=(line,))])


def _read(message: Message, parts: list[Message]) -> Report:
    complaint = next((part for part in parts if part.get_content_type() == feedback.TYPE), None)
    if complaint is not None:
        ids = ids_of(message, parts)
        return Report("feedback", feedback.results_of(text_of(complaint), ids), ids)
    if any(part.get_content_type() == DISPOSITION for part in parts):
        return _answer(f"Content-Type: {DISPOSITION}", "receipt")
    status_text = "\n\n".join(_status_texts(parts))
    results = delivery_status.results_of(status_text) if status_text else []
    if results:
        mta = delivery_status.reporting_mta(status_text)
        return Report("delivery_status", results, ids_of(message, parts, status_text), mta)
    if sign := sign_of(message):
        return _answer(sign, "automatic_answer")
    return _in_words(message, parts)


def _in_words(message: Message, parts: list[Message]) -> Report:
    if not is_from_server(message):
        line = quote(f"Subject: {header(message, 'Subject')}")
        return Report("other", [Result("not_a_report", "nothing_said", evidence=(line,))])
    ids = ids_of(message, parts)
    if results := plain_text.results_of(message, plain_text.plain_text(parts)):
        return Report("plain_text", results, ids)
    line = quote(f"From: {header(message, 'From')}")
    return Report("other", [Result("not_a_report", "server_without_recipient", evidence=(line,))], ids)


def _answer(line: str, rule: str) -> Report:
    return Report("auto_reply", [Result("auto_reply", rule, evidence=(line,))])


def _status_texts(parts: list[Message]) -> list[str]:
    """Status parts by their type; where a server gave them another, by what they hold. Only within a report, or under
    a server's name: an automatic answer that quotes one is none."""
    top = parts[0]
    is_report = any(part.get_content_type() == "multipart/report" for part in parts)
    if not (is_report or is_from_server(top)) and own_sign_of(top):
        return []
    typed = [text_of(part) for part in parts if part.get_content_type() in delivery_status.TYPES]
    if typed or not (is_report or is_from_server(top)) or own_sign_of(top):
        return typed
    texts = [text_of(part) for part in parts if part.get_content_maintype() in {"text", "application"}]
    return [text for text in texts if "final-recipient:" in text.lower() and "action:" in text.lower()]
