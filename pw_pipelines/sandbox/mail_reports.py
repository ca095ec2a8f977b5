"""What the world sends back for a mail: by the recipient's name, a report as a real server writes it.

`hard.bounce@…` does not exist, `full.mailbox@…` is full, `blocked.us@…` refuses our server (RFC 3464 reports);
`complains@…` presses `spam` (RFC 5965); `away@…` answers by machine (RFC 3834). Everybody else says nothing. Reports go
to the envelope's sender, as the protocol has it; to the null sender nothing is sent back (RFC 5321 4.5.5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email import message_from_bytes, message_from_string
from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP

SERVER = "mail.sandbox.example"
# local part begins with -> (status, what the remote server said)
FAILING: Mapping[str, tuple[str, str]] = {
    "hard.bounce": ("5.1.1", "550 5.1.1 The email account that you tried to reach does not exist"),
    "full.mailbox": ("5.2.2", "552 5.2.2 The recipient's inbox is out of storage space"),
    "blocked.us": ("5.7.1", "550 5.7.1 Our system has detected that this message is likely unsolicited mail"),
}


def is_refused(recipient: str) -> bool:
    """Whether the mail never reaches the mailbox."""
    return recipient.lower().startswith(tuple(FAILING))


def sent_back(content: bytes, *, sender: str, recipient: str) -> bytes | None:
    """The report that comes back for this recipient; None for most."""
    local = recipient.lower().partition("@")[0]
    if not sender:
        return None
    for name, (status, said) in FAILING.items():
        if local.startswith(name):
            return _report(content, sender, _status(recipient, status, said))
    others: Mapping[str, Callable[[], bytes]] = {
        "complains": lambda: _report(content, sender, _complaint(recipient)),
        "away": lambda: _answer(content, sender, recipient),
    }
    return next((write() for name, write in others.items() if local.startswith(name)), None)


def _status(recipient: str, status: str, said: str) -> tuple[str, str, str, str]:
    return (
        "delivery-status",
        "MAILER-DAEMON",
        f"Your mail could not be delivered to <{recipient}>: {said}.\n",
        f"Reporting-MTA: dns; {SERVER}\n\nFinal-Recipient: rfc822; {recipient}\n"
        f"Original-Recipient: rfc822;{recipient}\n"
        f"Action: failed\nStatus: {status}\nRemote-MTA: dns; mx.{recipient.partition('@')[2]}\n"
        f"Diagnostic-Code: smtp; {said}\n",
    )


def _complaint(recipient: str) -> tuple[str, str, str, str]:
    return (
        "feedback-report",
        "feedback",
        "This is an email abuse report.\n",
        f"Feedback-Type: abuse\nUser-Agent: Sandbox-FBL/1.0\nVersion: 1\nOriginal-Rcpt-To: <{recipient}>\n",
    )


def _report(content: bytes, sender: str, what: tuple[str, str, str, str]) -> bytes:
    """A multipart/report with its three parts: words, the report, the headers of our mail."""
    kind, writer, words, fields = what
    report = MIMEMultipart("report")
    report.set_param("report-type", kind)
    report["From"] = f"Mail Delivery System <{writer}@{SERVER}>"
    report["To"] = sender
    report["Delivered-To"] = sender
    report["Return-Path"] = "<>"
    report["Subject"] = "Undelivered Mail Returned to Sender" if kind == "delivery-status" else "Abuse report"
    report["Auto-Submitted"] = "auto-replied"
    report.attach(MIMEText(words))
    part = MIMEBase("message", kind)
    is_status = kind == "delivery-status"  # written block by block, as the email package wants it
    part.set_payload([message_from_string(block) for block in fields.split("\n\n")] if is_status else fields)
    report.attach(part)
    returned = MIMEBase("text", "rfc822-headers")
    returned.set_payload(_headers(message_from_bytes(content)))
    report.attach(returned)
    return report.as_bytes(policy=SMTP)


def _headers(mail: Message) -> str:
    return "".join(f"{name}: {value}\n" for name, value in mail.items())


def _answer(content: bytes, sender: str, recipient: str) -> bytes:
    mail = message_from_bytes(content)
    answer = EmailMessage(policy=SMTP)
    answer["From"] = recipient
    answer["To"] = sender
    answer["Return-Path"] = "<>"
    answer["Subject"] = "Automatic reply: " + " ".join(str(mail["Subject"] or "").split())[:150]
    answer["Auto-Submitted"] = "auto-replied"
    if mail["Message-ID"]:
        answer["In-Reply-To"] = str(mail["Message-ID"])
    answer.set_content("I am out of the office until Monday.\n")
    return answer.as_bytes()
