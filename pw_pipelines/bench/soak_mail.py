"""A campaign's day in `pw bench soak`: what comes back to the bounce mailbox of the mails to the newly admitted."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import psycopg

from pw_pipelines.bench.paid_orders import BenchHouse
from pw_pipelines.runtime.running import running_house

HARD_SHARE, SOFT_SHARE = 0.02, 0.03  # of a day's mails; 5 % hard would stop all sending
_REFUSED = ("5.1.1", "smtp; 550 5.1.1 The email account that you tried to reach does not exist")
_FULL = ("4.2.2", "smtp; 452 4.2.2 The recipient's inbox is out of storage space")


def send_campaign(house: BenchHouse, *, day: int, complaint: bool) -> dict[str, int]:
    """Today's campaign: to everybody admitted today, of whom some bounce, one is away and, if so wanted, one complains.

    Returns how many mails were sent and how many reports of each kind came back.
    """
    rows = house.connection.execute(
        "select email from pw.warmup_admissions where day = %s order by email", (house.settings.clock.today(),)
    ).fetchall()
    emails = [str(row["email"]) for row in rows]
    hard, soft = int(len(emails) * HARD_SHARE), int(len(emails) * SOFT_SHARE)
    campaign = str(uuid.uuid5(uuid.NAMESPACE_URL, f"campaign {day}"))
    assert house.settings.bounce_maildir is not None  # the sandbox has one
    folder = house.settings.bounce_maildir / "new"
    folder.mkdir(parents=True, exist_ok=True)
    told = 0
    readers = _readers(house, emails[: hard + soft + bool(complaint)])
    for number, (email, subscriber) in enumerate(readers):
        returned = f"To: {email}\nX-Listmonk-Campaign: {campaign}\nX-Listmonk-Subscriber: {subscriber}\n"
        if number >= hard + soft:
            report = _complaint(email, returned)
        else:
            report = _failure(email, returned, *(_REFUSED if number < hard else _FULL))
        (folder / f"{day:03}-{number:05}.eml").write_bytes(report)
        told += 1
    (folder / f"{day:03}-away.eml").write_bytes(_away(day))
    return {"sent": len(emails), "reports": told + 1}


def _readers(house: BenchHouse, emails: Sequence[str]) -> list[tuple[str, str]]:
    """(address, Listmonk's uuid) as the stand-in has them, which a campaign's mail carries in its headers."""
    running = running_house(house.settings.home)
    assert running is not None
    with psycopg.connect(running.environment["PW_SANDBOX_DATABASE_URL"]) as connection:
        rows = connection.execute(
            "select email, uuid::text from listmonk.subscribers where email = any(%s) order by email", (list(emails),)
        )
        return [(str(email), str(subscriber)) for email, subscriber in rows]


def _failure(email: str, returned: str, status: str, said: str) -> bytes:
    """A delivery status notification (RFC 3464)."""
    return (
        "From: MAILER-DAEMON@relay.example (Mail Delivery System)\nTo: bounces@performancewest.example\n"
        "Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="frontier"\n\n'
        "--frontier\nContent-Type: text/plain; charset=us-ascii\n\nYour mail could not be delivered.\n\n"
        "--frontier\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\n"
        f"Final-Recipient: rfc822; {email}\nAction: failed\nStatus: {status}\nDiagnostic-Code: {said}\n\n"
        f"--frontier\nContent-Type: text/rfc822-headers\n\n{returned}\n--frontier--\n"
    ).encode()


def _complaint(email: str, returned: str) -> bytes:
    """An abuse report (RFC 5965)."""
    return (
        "From: feedback@provider.example\nTo: fbl@performancewest.example\nSubject: Complaint about message\n"
        'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary="frontier"\n\n'
        "--frontier\nContent-Type: text/plain\n\nThis is an abuse report.\n\n"
        "--frontier\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: Some-FBL/1\n"
        f"Version: 1\nOriginal-Rcpt-To: {email}\n\n"
        f"--frontier\nContent-Type: message/rfc822\n\n{returned}\nHello.\n\n--frontier--\n"
    ).encode()


def _away(day: int) -> bytes:
    """Somebody is on holiday, which is nothing against anybody."""
    return (
        "From: reader@carrier.example\nTo: bounces@performancewest.example\nSubject: Out of office\n"
        f"Auto-Submitted: auto-replied\nMessage-ID: <away-{day}@carrier.example>\n\nI am away until Monday.\n"
    ).encode()
