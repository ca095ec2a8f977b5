"""Mail to customers: handed to our mail server by SMTP, one customer at a time, and read back from the archive.

What can become of a mail, and how it is said: the server has it (`send` returns) · it certainly has not
(OutsideUnavailable: asked again later; OutsideRefused: it will be refused again) · the connection broke after the
mail was on its way (MailUncertain: the archive, which gets a blind copy of every mail, knows; `was_sent`).
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from functools import cache
from typing import Any

from pw_pipelines import faults
from pw_pipelines.errors import ConfigError, OutsideError, OutsideRefused, OutsideUnavailable, UsageError
from pw_pipelines.resources.mail_archive import MailArchive
from pw_pipelines.settings import Settings

CONNECT_SECONDS = 15.0
REPLY_SECONDS = 60.0  # RFC 5321 4.5.3.2 grants ten minutes after the last byte; a run does not wait that long
MOST_CHARACTERS = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+([A-Za-z]{2,63}|xn--[A-Za-z0-9-]{1,58}[A-Za-z0-9])",
    re.ASCII,
)
_QUOTED_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")
_WIRE = SMTP.clone(cte_type="7bit")  # no server on the way need know of 8 bits


@cache
def trust() -> ssl.SSLContext:
    """The certificates this machine trusts, read once: that takes longer than a mail."""
    return ssl.create_default_context()


class MailUncertain(OutsideError):
    """The connection broke while or after the mail was sent: whether the server has it is not known."""


@dataclass(frozen=True)
class MailSeen:
    """What the archive says of one mail. happened None: it can't tell. text: what was looked for and found."""

    happened: bool | None
    text: str


class Mail:
    """The mail server of `settings` (PW_SMTP_*, PW_MAIL_*)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._archive: MailArchive | None = None

    def send(self, message: EmailMessage) -> str:
        """Hands the mail over, with a blind copy to the archive; returns its Message-ID.

        The mail has one address in To and a Message-ID. Raises UsageError when it has not, OutsideUnavailable and
        OutsideRefused when the server certainly did not take it, MailUncertain when that can't be known.
        """
        to, message_id = one_address(message["To"]), str(message["Message-ID"] or "")
        if not to or re.fullmatch(r"<[A-Za-z0-9._-]+@[A-Za-z0-9.-]+>", message_id) is None:
            raise UsageError("A mail needs one plain address in To and a Message-ID of ours.")
        if message["Bcc"] or message["Cc"]:
            raise UsageError("A mail goes to its one recipient; the archive's copy is added on the way.")
        if "Date" not in message:
            message["Date"] = formatdate(self._settings.clock.now().timestamp(), usegmt=True)
        body = message.as_bytes(policy=_WIRE)
        with self._session() as server:
            self._envelope(server, to, self._return_path(message_id))
            self._content(server, body)
        return message_id

    def was_sent(self, message_id: str) -> MailSeen:
        """Whether the archive has the blind copy of this mail."""
        folder = self._settings.mail_archive_dir
        if folder is None:
            return MailSeen(None, "No archive is set (PW_MAIL_ARCHIVE_DIR), so nobody can look.")
        if self._archive is None:
            self._archive = MailArchive(folder, self._settings.home / "mail" / "archive-index")
        try:
            found = self._archive.has(message_id)
        except OSError as error:
            return MailSeen(None, f"The archive of our mails can't be read ({error.strerror}).")
        if found:
            return MailSeen(True, f"The archive of our mails holds {message_id}.")
        if not self._archive.count() and not self._settings.is_sandbox:
            return MailSeen(
                None, "The archive of our mails is empty, so it proves nothing: do the copies arrive there?"
            )
        return MailSeen(False, f"The archive of our mails, {self._archive.count():,} mails, holds no {message_id}.")

    @property
    def domain(self) -> str:
        """The domain our mails come from."""
        return _sender(self._settings).rpartition("@")[2]

    # -- the protocol ---------------------------------------------------------------------------------------------

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        server = self._connected()
        try:
            yield server
            with suppress(smtplib.SMTPException, OSError):  # the mail is taken; how the server says good-bye is its own
                server.quit()
        finally:
            server.close()

    def _connected(self) -> smtplib.SMTP:
        """A session that may send. Nothing was sent when this raises."""
        settings = self._settings
        if not settings.smtp_host:
            raise ConfigError("No mail server is set; set PW_SMTP_HOST.")
        where = f"{settings.smtp_host}:{settings.smtp_port}"
        said: dict[str, Any] = {"timeout": CONNECT_SECONDS, "local_hostname": self.domain}  # no look-up of our own name
        try:
            if settings.smtp_security == "tls":
                server: smtplib.SMTP = smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, context=trust(), **said)
            else:
                server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, **said)
        except (smtplib.SMTPException, OSError) as error:
            raise OutsideUnavailable(f"The mail server {where} can't be reached: {_in_words(error)}.") from error
        try:
            server.ehlo_or_helo_if_needed()
            if settings.smtp_security == "starttls":
                server.starttls(context=trust())
                server.ehlo()
            if settings.smtp_user:
                if settings.smtp_security == "none" and not settings.is_sandbox:
                    raise ConfigError(
                        "PW_SMTP_USER with PW_SMTP_SECURITY=none would send the password readable; use tls."
                    )
                password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
                server.login(settings.smtp_user, password)
        except smtplib.SMTPAuthenticationError as error:
            server.close()
            raise OutsideUnavailable(
                f"The mail server {where} does not accept our login ({error.smtp_code}); look at PW_SMTP_USER and "
                "PW_SMTP_PASSWORD."
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            server.close()
            raise OutsideUnavailable(
                f"The mail server {where} opens no session ({settings.smtp_security}): {_in_words(error)}."
            ) from error
        except BaseException:
            server.close()
            raise
        assert server.sock is not None
        server.sock.settimeout(REPLY_SECONDS)
        return server

    def _return_path(self, message_id: str) -> str:
        """Where reports of this mail go: our bounce address with the mail's own tag, else the sender."""
        address = self._settings.bounce_address
        if not address:
            return _sender(self._settings)
        local, _, domain = address.strip().rpartition("@")
        tagged = f"{local}+{message_id.strip('<>').partition('@')[0]}@{domain}"
        if not is_address(tagged) or "+" in local:
            raise ConfigError("PW_BOUNCE_ADDRESS is no plain address without `+`, such as bounces@example.com.")
        return tagged

    def _envelope(self, server: smtplib.SMTP, to: str, return_path: str) -> None:
        """Sender, the customer, the archive: each must be taken before the mail itself is sent."""
        asked: list[tuple[str, str]] = [("the sender", return_path), ("the recipient", to)]
        if self._settings.mail_archive:
            asked.append(("the archive's address", self._settings.mail_archive))
        for whom, address in asked:
            try:
                code, reply = server.mail(address) if whom == "the sender" else server.rcpt(address)
            except (smtplib.SMTPException, OSError) as error:
                raise OutsideUnavailable(f"The mail server broke off before the mail: {_in_words(error)}.") from error
            if code in (250, 251):
                continue
            said = f"The mail server does not take {whom}: {said_without_addresses(code, reply)}."
            if whom == "the recipient" and 500 <= code < 600:
                raise OutsideRefused(said)
            raise OutsideUnavailable(said)

    def _content(self, server: smtplib.SMTP, body: bytes) -> None:
        try:
            code, reply = server.docmd("DATA")
        except (smtplib.SMTPException, OSError) as error:
            raise OutsideUnavailable(f"The mail server broke off before the mail: {_in_words(error)}.") from error
        if code != 354:
            raise _refused(code, reply)
        lines = re.sub(rb"(?m)^\.", b"..", re.sub(rb"\r\n|\r|\n", b"\r\n", body))
        try:
            server.send(lines + (b".\r\n" if lines.endswith(b"\r\n") else b"\r\n.\r\n"))
            faults.point("mail.send.sent")
            code, reply = server.getreply()
        except (smtplib.SMTPException, OSError) as error:
            raise MailUncertain(
                f"The connection to the mail server broke after the mail was sent: {_in_words(error)}."
            ) from error
        if not 200 <= code < 300:
            raise _refused(code, reply)


def one_address(header: object) -> str | None:
    """The address of a To header that names exactly one that anybody can write to; else None."""
    text = str(header or "")
    name, address = parseaddr(text)
    if not is_address(address) or (text.count("@") > 1 and "@" not in name):
        return None
    return address


def is_address(text: str) -> bool:
    """Whether this is one plain e-mail address (RFC 5321, ASCII, a domain of two labels or more) and nothing else."""
    return len(text) <= MOST_CHARACTERS and _ADDRESS.fullmatch(text) is not None


def said_without_addresses(code: int, reply: bytes | str) -> str:
    """A server's reply as it may stand in logs and on the desk: servers like to quote the address."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {_QUOTED_ADDRESS.sub('<address>', ' '.join(text.split()))[:200]}".strip()


def _refused(code: int, reply: bytes) -> OutsideError:
    said = f"The mail server did not take the mail: {said_without_addresses(code, reply)}."
    return OutsideRefused(said) if 500 <= code < 600 else OutsideUnavailable(said)


def _sender(settings: Settings) -> str:
    address = parseaddr(settings.mail_from)[1]
    if not is_address(address):
        raise ConfigError("PW_MAIL_FROM is no address to send from; write it as `Name <someone@example.com>`.")
    return address


def _in_words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return said_without_addresses(error.smtp_code, error.smtp_error)
    return said_without_addresses(0, str(error) or type(error).__name__).removeprefix("0 ")
