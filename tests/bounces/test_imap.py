"""The bounce mailbox on an IMAP server: each mail read without a trace, moved when done, found again when not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from pw_pipelines.errors import ConfigError, OutsideError, OutsideRefused, OutsideUnavailable
from pw_pipelines.resources import bounce_mailbox
from pw_pipelines.resources.bounce_mailbox import open_mailbox
from pw_pipelines.settings import Mode, Settings
from tests.bounces import shapes
from tests.bounces.imap_server import PASSWORD, USER, Store, serving


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def seen(store: Store, settings: Settings) -> Iterator[Settings]:
    with serving(store) as port:
        yield settings.model_copy(
            update={
                "bounce_imap_host": "127.0.0.1", "bounce_imap_port": port, "bounce_imap_user": USER,
                "bounce_imap_password": SecretStr(PASSWORD), "bounce_imap_security": "none",
            }
        )  # fmt: skip


def work_all(settings: Settings, most: int = 100) -> list[bytes]:
    mailbox = open_mailbox(settings)
    assert mailbox is not None
    try:
        found = []
        for mail in mailbox.waiting(most):
            found.append(mail.content)
            mailbox.done(mail)
        return found
    finally:
        mailbox.close()


@pytest.mark.parametrize("more", [("MOVE", "UIDPLUS"), ("UIDPLUS",), ()])
def test_mails_are_read_byte_by_byte_and_moved_away_with_whatever_the_server_can(
    store: Store, seen: Settings, more: tuple[str, ...]
) -> None:
    store.more = more
    mails = [shapes.dsn([shapes.block()]), b"a literal) {5}\r\n* 9 FETCH\r\n", shapes.arf()]
    for mail in mails:
        store.put(mail)
    assert work_all(seen) == mails
    assert [mail.content for mail in store.folders["Processed"].values()] == mails
    assert [mail.flags for mail in store.folders["INBOX"].values()] == [{"\\Deleted"}] * (0 if more else 3)
    assert work_all(seen) == []


def test_reading_alone_leaves_no_trace(store: Store, seen: Settings) -> None:
    store.put(b"one\r\n")
    mailbox = open_mailbox(seen)
    assert mailbox is not None
    assert [mail.content for mail in mailbox.waiting(10)] == [b"one\r\n"]
    mailbox.close()
    assert store.folders["INBOX"][1].flags == set()
    assert store.log[-1].startswith("LOGOUT")


def test_a_connection_lost_before_the_mail_was_moved_leaves_it_for_the_next_round(store: Store, seen: Settings) -> None:
    store.put(b"one\r\n")
    store.drops_after = "UID FETCH"
    with pytest.raises(OutsideError):
        work_all(seen)
    assert work_all(seen) == [b"one\r\n"]


def test_what_the_server_tells_of_others_meanwhile_confuses_nobody(store: Store, seen: Settings) -> None:
    store.chatters = True
    store.put(b"one\r\n")
    assert work_all(seen) == [b"one\r\n"]


def test_of_a_huge_mail_only_the_beginning_is_fetched(
    store: Store, seen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounce_mailbox, "MOST_BYTES", 100)
    monkeypatch.setattr(bounce_mailbox, "BEGINNING", 10)
    store.chatters = True
    store.put(b"x" * 500)
    assert work_all(seen) == [b"x" * 10]


def test_no_more_than_asked_for_at_once(store: Store, seen: Settings) -> None:
    for number in range(5):
        store.put(b"%d\r\n" % number)
    assert work_all(seen, most=2) == [b"0\r\n", b"1\r\n"]


def test_a_wrong_password_a_missing_folder_and_nobody_there_are_told_apart(seen: Settings) -> None:
    with pytest.raises(OutsideRefused, match="PW_BOUNCE_IMAP_PASSWORD"):
        open_mailbox(seen.model_copy(update={"bounce_imap_password": SecretStr("wrong")}))
    with pytest.raises(OutsideUnavailable, match="SELECT with NO"):
        open_mailbox(seen.model_copy(update={"bounce_imap_folder": "Gone"}))
    with pytest.raises(OutsideUnavailable, match="can't be reached"):
        open_mailbox(seen.model_copy(update={"bounce_imap_port": 1}))


def test_live_mode_sends_no_password_readable(seen: Settings) -> None:
    with pytest.raises(ConfigError, match="tls or starttls"):
        open_mailbox(seen.model_copy(update={"mode": Mode.LIVE}))
