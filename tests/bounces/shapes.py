"""Reports built in the shapes that mail servers send, about invented people at example domains."""

from __future__ import annotations

from collections.abc import Sequence

OUR_ID = "<" + "0f" * 16 + "@performancewest.example>"
CAMPAIGN = "11111111-2222-4333-8444-555555555555"
SUBSCRIBER = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
RETURNED = (
    "From: Performance West <orders@performancewest.example>\nTo: ann@carrier.example\nSubject: Your order\n"
    f"Message-ID: {OUR_ID}\n"
)


def block(
    recipient: str = "ann@carrier.example",
    *,
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 no words that tell",
    more: str = "",
) -> str:
    return (
        f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n"
        f"Remote-MTA: dns; mx.carrier.example\nDiagnostic-Code: {diagnostic}\n{more}"
    )


def dsn(
    blocks: Sequence[str],
    *,
    returned: str = RETURNED,
    status_type: str = "message/delivery-status",
    headers: str = "",
    to: str = "bounces@performancewest.example",
    per_message: str = "Reporting-MTA: dns; mail.relay.example\nArrival-Date: Mon, 16 Nov 2026 10:00:00 +0000\n",
) -> bytes:
    """A multipart/report with its three parts."""
    status = "\n".join([per_message, *blocks]) if per_message else "\n".join(blocks)
    text = (
        f"From: MAILER-DAEMON@relay.example (Mail Delivery System)\nTo: {to}\n"
        f"Subject: Undelivered Mail Returned to Sender\n{headers}MIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="frontier"\n\n'
        "--frontier\nContent-Type: text/plain; charset=us-ascii\n\nYour mail could not be delivered.\n\n"
        f"--frontier\nContent-Type: {status_type}\n\n{status}\n"
        f"--frontier\nContent-Type: text/rfc822-headers\n\n{returned}\n--frontier--\n"
    )
    return text.encode()


def arf(
    feedback: str = "abuse", *, to: str | None = "ann@carrier.example", returned: str = RETURNED, more: str = ""
) -> bytes:
    rcpt = f"Original-Rcpt-To: {to}\n" if to else ""
    return (
        "From: feedback@provider.example\nTo: fbl@performancewest.example\nSubject: Complaint about message\n"
        'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nThis is an abuse report.\n\n"
        f"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {feedback}\nUser-Agent: Some-FBL/1\n"
        "Version: 1\n"
        f"{rcpt}{more}\n--b\nContent-Type: message/rfc822\n\n{returned}\nHello.\n\n--b--\n"
    ).encode()


def plain(body: str, *, sender: str = "MAILER-DAEMON@relay.example", subject: str = "failure notice",
          headers: str = "") -> bytes:  # fmt: skip
    return (f"From: {sender}\nTo: bounces@performancewest.example\nSubject: {subject}\n{headers}\n{body}").encode()


def answer(subject: str, body: str = "I am away until Monday.\n", *, headers: str = "",
           sender: str = "Ann Moore <ann@carrier.example>") -> bytes:  # fmt: skip
    from email.header import Header

    encoded = Header(subject, "utf-8").encode() if not subject.isascii() else subject
    return (
        f"From: {sender}\nTo: bounces@performancewest.example\nReturn-Path: <>\nSubject: {encoded}\n{headers}"
        f"Content-Type: text/plain; charset=utf-8\n\n{body}"
    ).encode()
