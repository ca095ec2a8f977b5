"""The whole way of an order's mail: sent by SMTP to somebody's server, sent back by it, tied, flagged at the desk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from pw_pipelines.bounces.news import untold
from pw_pipelines.bounces.watch import Round, work_round
from pw_pipelines.errors import ConfigError
from pw_pipelines.resources.bounce_mailbox import open_mailbox
from pw_pipelines.resources.listmonk import Listmonk as Client
from pw_pipelines.resources.mail import Mail
from pw_pipelines.sandbox.faults import FaultBook
from pw_pipelines.sandbox.mail import SandboxMail, drop_of
from pw_pipelines.settings import Settings
from tests.fixtures_listmonk import Listmonk
from tests.fulfillment.conftest import House, house
from tests.signing.making import Scene, make_scene

__all__ = ["house"]


@dataclass
class World:
    """A paid item whose signer is to be asked, and a real SMTP server that sends reports back."""

    house: House
    settings: Settings

    def asks(self, email: str) -> Scene:
        """The stage `signature` asks this signer."""
        scene = make_scene(self.house)
        scene.put_signer(email=email)
        assert scene.work().came == "gate"
        return scene

    def reports(self) -> list[Path]:
        assert self.settings.bounce_maildir is not None
        return sorted((self.settings.bounce_maildir / "new").iterdir())

    def work(self) -> Round:
        clock = self.settings.clock
        with Client(self.settings) as client:
            return work_round(
                self.house.db, self.house.ground.objects, client, open_mailbox(self.settings), settings=self.settings,
                now=clock.now(), today=clock.today(),
            )  # fmt: skip

    def flags(self) -> list[str]:
        return [
            row["text"] for row in self.house.rows("select text from pw.conversation_flags where closed_at is null")
        ]

    def results(self) -> list[dict[str, Any]]:
        return self.house.rows("select class, tie, email, deed from pw.bounce_results order by result_id")


@pytest.fixture
def world(house: House, listmonk_server: Listmonk) -> Iterator[World]:
    drop = drop_of(house.ground.settings.home, house.ground.settings.mail_archive)
    server = SandboxMail(drop, FaultBook())
    port = server.start(0)
    settings = listmonk_server.settings(house.ground.settings).model_copy(update={"smtp_port": port})
    house.ground.__dict__["mail"] = Mail(settings)
    try:
        yield World(house, settings)
    finally:
        server.stop()


def test_a_signature_mail_to_a_mailbox_that_is_not_there_comes_back_and_is_flagged_at_the_desk(world: World) -> None:
    scene = world.asks("hard.bounce@carrier.example")
    (report,) = world.reports()
    (effect,) = world.house.rows("select * from pw.effects where key like 'mail:%%'")
    tag = effect["reference"].strip("<>").partition("@")[0]
    assert f"Delivered-To: bounces+{tag}@performancewest.net".encode() in report.read_bytes()

    done = world.work()

    assert (done.read, done.error, dict(done.classes)) == (1, None, {"hard": 1})
    assert world.results() == [
        {"class": "hard", "tie": "message_id", "email": "hard.bounce@carrier.example", "deed": "suppressed (hard)"}
    ]
    (flag,) = world.flags()
    assert flag == f"A mail of item {scene.item_id} came back (hard, 5.1.1): it was not read."
    with world.house.db.connect() as connection:
        [row] = connection.execute("select max(at) as at from pw.bounce_results").fetchall()
        assert [key for key, _ in untold(connection, row["at"])] == [f"mail:order:{effect['effect_id']}"]
        assert untold(connection, row["at"] + timedelta(days=400)) == []  # nor when that it was told is forgotten
    assert world.work().read == 0
    assert len(world.flags()) == 1


def test_a_report_that_returns_nothing_of_our_mail_is_tied_by_its_address_alone(world: World) -> None:
    world.asks("hard.bounce@carrier.example")
    (report,) = world.reports()
    lines = report.read_bytes().split(b"\r\n")
    report.write_bytes(b"\r\n".join(line for line in lines if not line.startswith((b"Message-ID:", b"X-"))))
    world.work()
    (result,) = world.results()
    assert (result["class"], result["tie"], result["email"]) == ("hard", "verp", "hard.bounce@carrier.example")
    assert len(world.flags()) == 1


def test_a_tag_of_ours_with_somebody_elses_address_ties_to_nothing(world: World) -> None:
    world.asks("hard.bounce@carrier.example")
    (report,) = world.reports()
    forged = report.read_bytes().replace(b"hard.bounce@", b"victim@")
    report.write_bytes(forged)
    world.work()
    assert [result["tie"] for result in world.results()] == ["none"]
    assert world.flags() == []


@pytest.mark.parametrize(
    ("email", "wanted", "deed", "flags"),
    [
        ("full.mailbox@carrier.example", "full", "counted, 1 of 2", 1),
        ("blocked.us@carrier.example", "policy", "noted; nothing against the address", 1),
        ("complains@carrier.example", "complaint", "suppressed (complaint)", 0),
        ("away@carrier.example", "auto_reply", "kept", 0),
    ],
)
def test_what_others_send_back_is_read_as_what_it_is(
    world: World, email: str, wanted: str, deed: str, flags: int
) -> None:
    world.asks(email)
    world.work()
    assert [(row["class"], row["deed"]) for row in world.results()] == [(wanted, deed)]
    assert len(world.flags()) == flags


def test_whoever_reads_his_mail_sends_nothing_back(world: World) -> None:
    world.asks("ada@example.com")
    assert world.reports() == []


def test_a_bounce_address_that_can_carry_no_tag_is_refused_before_anything_is_sent(world: World) -> None:
    mail = EmailMessage()
    mail["To"], mail["Message-ID"] = "ada@example.com", "<" + "ab" * 16 + "@x.example>"
    bad = world.settings.model_copy(update={"bounce_address": "bounces+x@performancewest.net"})
    with pytest.raises(ConfigError, match="PW_BOUNCE_ADDRESS"):
        Mail(bad).send(mail)


def test_killed_in_the_middle_of_a_mail_it_is_worked_whole_by_the_next_round(world: World, tmp_path: Path) -> None:
    """The process dies after the suppression was written and before the commit; then once more after the commit,
    before the mail was moved away."""
    scene = world.asks("hard.bounce@carrier.example")
    for place in ("pw_pipelines.leads.suppression.record", "pw_pipelines.resources.bounce_mailbox.Maildir.done"):
        dead = subprocess.run(
            [sys.executable, "-c", _KILLED, place, world.house.db.url,
             str(world.settings.bounce_maildir), (tmp_path / "objects").as_uri()],
            env={**os.environ, "PW_LISTMONK_TOKEN": "sandbox-token", "PW_LISTMONK_URL": world.settings.listmonk_url},
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert dead.returncode == -signal.SIGKILL, dead.stderr
        assert len(world.reports()) == 1
    assert len(world.results()) == 1
    done = world.work()
    assert (done.read, done.known, world.reports()) == (1, 1, [])
    assert world.flags() == [f"A mail of item {scene.item_id} came back (hard, 5.1.1): it was not read."]
    assert len(world.house.rows("select from pw.suppressions")) == 1
    assert len(world.house.rows("select from pw.bounce_results")) == 1


_KILLED = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
from pw_pipelines.bounces.watch import work_round
from pw_pipelines.db.connection import Database
from pw_pipelines.resources.bounce_mailbox import Maildir
from pw_pipelines.resources.listmonk import Listmonk
from pw_pipelines.resources.objects import Objects
from pw_pipelines.settings import load_settings

place, url, folder, objects = sys.argv[1:]
settings = load_settings()
module, _, name = place.rpartition(".")
owner = Maildir if module.endswith("Maildir") else import_module(module)
real = getattr(owner, name)

def dies(*args, **more):
    if name == "record":
        real(*args, **more)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, dies)
clock = settings.clock
work_round(Database(url), Objects(objects), Listmonk(settings), Maildir(Path(folder)), settings=settings,
           now=clock.now(), today=clock.today())
"""
