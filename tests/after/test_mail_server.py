"""The mail client against a mail server: taken, refused, or unknown, and what the archive says of it."""

from __future__ import annotations

import socket
import time
from email.message import EmailMessage
from pathlib import Path

import pytest

from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable, UsageError
from pw_pipelines.fulfillment.mails import compose
from pw_pipelines.resources.mail import Mail, MailUncertain, is_address
from pw_pipelines.resources.mail_archive import MailArchive
from pw_pipelines.settings import Settings
from tests.after.conftest import PostOffice

TO = "officer@northern-telephone.example"
ID = "<0123456789abcdef0123456789abcdef@performancewest.net>"


def mail(settings: Settings, message_id: str = ID, **more: object) -> EmailMessage:
    wanted = {"to": TO, "subject": "Your filing", "text": "It is done.\n.\n..two dots\n", **more}
    return compose(settings, message_id=message_id, timestamp=time.time(), **wanted)  # type: ignore[arg-type]


def test_a_mail_lies_in_the_inbox_and_in_the_archive_as_it_was_written(post_office: PostOffice) -> None:
    mailer = Mail(post_office.settings)
    pdf = ("Certificate 2026.pdf", "application/pdf", b"%PDF-1.7\n.\nbytes\r\n\xff")
    assert mailer.send(mail(post_office.settings, attachments=[pdf], subject="Größe of your filing")) == ID

    (arrived,) = post_office.mails(TO)
    assert arrived["Message-ID"] == ID and arrived["Auto-Submitted"] == "auto-generated"
    assert arrived["Subject"] == "Größe of your filing" and arrived["Bcc"] is None
    plain, html = arrived.get_body(("plain",)), arrived.get_body(("html",))
    assert plain is not None and html is not None
    assert plain.get_content().replace("\r", "").startswith("It is done.\n.\n..two dots\n")
    assert post_office.settings.firm_address in plain.get_content() and "It is done." in html.get_content()
    (attached,) = arrived.iter_attachments()
    assert attached.get_filename() == "Certificate 2026.pdf" and attached.get_content() == pdf[2]
    assert len(post_office.archived) == 1
    assert mailer.was_sent(ID).happened is True
    assert mailer.was_sent(ID.replace("0", "f")).happened is False


def test_a_refused_recipient_gets_nothing_and_neither_does_the_archive(post_office: PostOffice) -> None:
    post_office.misbehave("status", status=550)
    with pytest.raises(OutsideRefused) as refused:
        Mail(post_office.settings).send(mail(post_office.settings))
    assert "550" in str(refused.value) and TO not in str(refused.value), "a log does not name the customer"
    assert post_office.mails(TO) == [] and post_office.archived == []


@pytest.mark.parametrize(
    ("match", "status", "error"),
    [
        ("RCPT officer", 451, OutsideUnavailable),
        ("RCPT archive", 550, OutsideUnavailable),
        ("DATA", 452, OutsideUnavailable),
        ("DATA", 554, OutsideRefused),
    ],
)
def test_what_was_not_taken_is_certainly_not_sent(
    post_office: PostOffice, match: str, status: int, error: type[Exception]
) -> None:
    post_office.misbehave("status", status=status, match=match)
    mailer = Mail(post_office.settings)
    with pytest.raises(error):
        mailer.send(mail(post_office.settings))
    assert post_office.mails(TO) == [] and mailer.was_sent(ID).happened is False


def test_nobody_listening_is_nothing_sent(post_office: PostOffice) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    away = post_office.settings.model_copy(update={"smtp_port": port})
    with pytest.raises(OutsideUnavailable, match="can't be reached"):
        Mail(away).send(mail(away))


def test_a_server_without_starttls_is_not_written_to(post_office: PostOffice) -> None:
    careful = post_office.settings.model_copy(update={"smtp_security": "starttls"})
    with pytest.raises(OutsideUnavailable, match="opens no session"):
        Mail(careful).send(mail(careful))
    assert post_office.mails(TO) == []


def test_a_connection_lost_after_the_mail_is_uncertain_and_the_archive_knows(post_office: PostOffice) -> None:
    mailer = Mail(post_office.settings)
    post_office.misbehave("done_but_timeout", seconds=0)
    with pytest.raises(MailUncertain):
        mailer.send(mail(post_office.settings))
    assert mailer.was_sent(ID).happened is True and len(post_office.mails(TO)) == 1

    other = ID.replace("0", "e")
    post_office.misbehave("cut")
    with pytest.raises(MailUncertain):
        mailer.send(mail(post_office.settings, other))
    assert mailer.was_sent(other).happened is False and len(post_office.mails(TO)) == 1


def test_without_an_archive_nobody_can_tell(post_office: PostOffice) -> None:
    for folder in (None, Path("/nonexistent/archive")):
        blind = post_office.settings.model_copy(update={"mail_archive_dir": folder})
        assert Mail(blind).was_sent(ID).happened is None


def test_an_empty_archive_proves_nothing_live(post_office: PostOffice) -> None:
    live = Mail(post_office.settings.model_copy(update={"mode": "live"}))
    assert live.was_sent(ID).happened is None, "perhaps no copy ever arrives there"
    Mail(post_office.settings).send(mail(post_office.settings, ID.replace("0", "d")))
    assert live.was_sent(ID).happened is False


@pytest.mark.parametrize(
    "to",
    [
        "",
        "nobody",
        "a@b",
        "a b@c.example",
        "a@c.example, d@e.example",
        "a@c.example\r\nBcc: x@y.example",
        "<a@c.example>",
        "Ann <a@c.example>",
        "a@c..example",
        "ä@c.example",
        "a@" + "c" * 260 + ".example",
        "a@c.example\n",
        ".a@c.example",
    ],
)
def test_what_is_no_single_address_is_refused_before_anything_is_sent(post_office: PostOffice, to: str) -> None:
    with pytest.raises(UsageError):
        mail(post_office.settings, to=to)
    assert not is_address(to)


@pytest.mark.parametrize("subject", ["Hello\r\nBcc: x@y.example", "Hello\nX: y", "\x00", "  ", "a\u2028b"])
def test_a_subject_with_a_line_break_is_refused(post_office: PostOffice, subject: str) -> None:
    with pytest.raises(UsageError, match="subject"):
        mail(post_office.settings, subject=subject)


def test_a_file_name_is_a_name_and_no_path(post_office: PostOffice) -> None:
    names = ["../../etc/passwd", 'quote".pdf', "Größe.pdf", "...", "a" * 400]
    made = mail(post_office.settings, attachments=[(name, "application/pdf", b"x") for name in names])
    got = [part.get_filename() for part in made.iter_attachments()]
    assert got == ["____etc_passwd", "quote_.pdf", "Größe.pdf", "_", "a" * 150]
    with pytest.raises(UsageError, match="file name"):
        mail(post_office.settings, attachments=[("a\r\nb.pdf", "application/pdf", b"x")])


def test_a_mail_to_two_or_with_a_copy_is_refused(post_office: PostOffice) -> None:
    made = mail(post_office.settings)
    made["Cc"] = "someone@else.example"
    with pytest.raises(UsageError):
        Mail(post_office.settings).send(made)
    nameless = mail(post_office.settings)
    del nameless["Message-ID"]
    with pytest.raises(UsageError):
        Mail(post_office.settings).send(nameless)


def test_live_refuses_to_send_a_password_readable(post_office: PostOffice) -> None:
    live = post_office.settings.model_copy(update={"mode": "live", "smtp_user": "us", "smtp_security": "none"})
    with pytest.raises(ConfigError, match="readable"):
        Mail(live).send(mail(post_office.settings))


def test_the_archive_reads_each_mail_once_and_survives_its_index(tmp_path: Path) -> None:
    folder, index = tmp_path / "archive", tmp_path / "index"
    for part in ("tmp", "new", "cur"):
        (folder / part).mkdir(parents=True)
    for number in range(20):
        (folder / "new" / f"m{number}").write_bytes(f"Message-ID:\r\n <m{number}@x.example>\r\n\r\nbody".encode())
    (folder / "new" / "odd").write_bytes(b"Subject: none\r\n\r\nMessage-ID: <body@x.example>\r\n")
    assert MailArchive(folder, index).has("<m7@x.example>")
    assert not MailArchive(folder, index).has("<body@x.example>"), "a body is no header"

    (folder / "new" / "m7").rename(folder / "cur" / "m7:2,S")  # somebody read it
    (folder / "cur" / "m7:2,S").write_bytes(b"unreadable now")
    assert MailArchive(folder, index).has("<m7@x.example>"), "what was read is not read again"

    with index.open("ab") as file:
        file.write(b"m99\t<torn")
    (folder / "new" / "late").write_bytes(b"Message-Id: <late@x.example>\n\nbody")
    assert MailArchive(folder, index).has("<late@x.example>")
    assert MailArchive(folder, index).has("<late@x.example>")
    index.unlink()
    (folder / "cur" / "m7:2,S").unlink()
    assert not MailArchive(folder, index).has("<m7@x.example>"), "a mail that is gone from the archive proves nothing"


def test_what_a_killed_server_had_answered_for_is_delivered_once(post_office: PostOffice) -> None:
    drop = post_office.drop
    name = drop.accept(b"Message-ID: <a@x.example>\r\n\r\nbody", [TO, "archive@performancewest.example"])
    queue = drop.folder / "queue"
    (queue / f"{name}.eml").write_bytes(b"Message-ID: <a@x.example>\r\n\r\nbody")
    (queue / f"{name}.json").write_text(f'["{TO}", "second@x.example"]')
    (queue / "half.eml").write_bytes(b"never answered for")
    drop.resume()
    assert len(post_office.mails(TO)) == 1 and len(post_office.mails("second@x.example")) == 1
    assert list(queue.iterdir()) == []
