"""Abuse reports (ARF, RFC 5965): somebody pressed "spam", or a receiver tells what it thinks of our mail."""

from __future__ import annotations

from pw_pipelines.bounces.delivery_status import address_in
from pw_pipelines.bounces.model import BounceClass, Ids, Result, quote
from pw_pipelines.bounces.parts import fields_in

TYPE = "message/feedback-report"
# RFC 5965 7.3, RFC 6430 (not-spam), RFC 6591 (auth-failure), RFC 6650 on which of them come from people.
CLASSES: dict[str, BounceClass] = {
    "abuse": "complaint",
    "fraud": "complaint",
    "opt-out": "complaint",
    "opt-out-list": "complaint",
    "other": "complaint",
    "virus": "policy",
    "auth-failure": "policy",
    "dmarc": "policy",
    "not-spam": "not_a_report",
}
_RECIPIENTS = ("original-rcpt-to", "removal-recipient", "x-hmxmroriginalrecipient", "x-original-recipient")


def results_of(text: str, ids: Ids) -> list[Result]:
    """One result per recipient that the report names; where it was blacked out, whoever the returned mail was to."""
    fields = [field for block in fields_in(text) for field in block]
    kind = next((value.lower().strip() for name, value, _ in fields if name == "feedback-type"), "")
    class_: BounceClass = CLASSES.get(kind, "complaint") if kind else "not_a_report"
    quoted = tuple(quote(line) for name, _, line in fields if name in {"feedback-type", "user-agent", *_RECIPIENTS})
    named = [address for name, value, _ in fields if name in _RECIPIENTS and (address := address_in(value))]
    domain = next((value for name, value, _ in fields if name == "reporting-mta"), None)
    return [
        Result(class_, f"feedback_{kind.replace('-', '_') or 'untyped'}", recipient=recipient, evidence=quoted,
               remote_mta=domain)
        for recipient in dict.fromkeys(named or ids.to[:1] or (None,))
    ]  # fmt: skip
