"""The evidence file: whole for an honest item; every change to it is found, without a database."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from pw_pipelines.documents.signing import chain
from pw_pipelines.documents.signing.canonical import canonical, sha256
from pw_pipelines.documents.signing.sealing import Seal
from pw_pipelines.errors import SnapshotError
from pw_pipelines.fulfillment.custody import Check, evidence_file, evidence_file_of_order, verify
from pw_pipelines.fulfillment.model import FulfillmentError
from tests.fulfillment.conftest import House
from tests.signing.making import STROKES, Scene, make_pdf, make_scene


class Evidence:
    """An evidence file, unpacked, that can be tampered with."""

    def __init__(self, path: Path, folder: Path, seal: Seal, scene: Scene) -> None:
        self.path, self.folder, self.seal, self.scene = path, folder, seal, scene
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        self.content: dict[str, Any] = json.loads((folder / "evidence.json").read_bytes())

    def object(self, digest: str) -> Path:
        return self.folder / "objects" / digest

    def add(self, content: bytes) -> str:
        digest = sha256(content)
        self.object(digest).write_bytes(content)
        self.content["objects"] = sorted({*self.content["objects"], digest})
        return digest

    def write(self, *, resign: Seal | None = None) -> None:
        """Writes the list; `resign`: signs it anew, as somebody would who holds that seal."""
        listed = canonical(self.content)
        (self.folder / "evidence.json").write_bytes(listed)
        if resign is not None:
            (self.folder / "evidence.p7s").write_bytes(resign.sign_bytes(listed, now=self.scene.now))

    def rechain(self) -> None:
        """Computes every hash of the trail anew, as a careful forger would."""
        prev = chain.BEGINNING
        for row in self.content["events"]:
            row["prev_hash"] = prev
            row["hash"] = prev = chain.hash_of(chain.event_of(row))

    def wrong(self, *, seals: bool = False) -> dict[str, str]:
        """What is found to be wrong, by the check's name."""
        found = verify(self.folder, seals=[self.seal.fingerprint] if seals else [])
        return {one.name: one.text for one in found if not one.ok}


@pytest.fixture(scope="module")
def original(
    clone_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Seal, Scene, list[Check]]:
    """The evidence file of one item that was signed, filed and delivered; made once."""
    from pw_pipelines.db.connection import Database
    from pw_pipelines.fulfillment import engine
    from pw_pipelines.fulfillment.ground import Ground
    from pw_pipelines.resources.objects import Objects
    from pw_pipelines.settings import Settings, with_sandbox_addresses
    from tests.conftest import TEMPLATE

    folder = tmp_path_factory.mktemp("custody")
    db = Database(clone_database(TEMPLATE))
    made = Settings(home=folder / "home", objects_url=(folder / "objects").as_uri())
    house = House(db, Ground(with_sandbox_addresses(made), db, Objects(str(made.objects_url))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "runner_of", lambda stage: house.stages[stage])
        scene = make_scene(house)
        scene.sign(scene.asked(), strokes=STROKES)
        scene.reopen()
        assert scene.work().came == "done"
    file_and_deliver(scene)
    keep_shown(scene)
    path = folder / "evidence.zip"
    checks = evidence_file(house.ground, scene.item_id, path, by="tests", why="a test")
    return path, Seal(house.ground.settings), scene, checks


def file_and_deliver(scene: Scene) -> None:
    """The effects of a filing and a delivery mail, as their stages leave them."""
    signed = {row["template"]: row["signed_digest"] for row in scene.documents()}
    delivered = [{"template": template, "digest": digest} for template, digest in signed.items()]
    details = {
        "filing": {"uploads": signed},
        "delivery_mail": {"delivered": delivered},
    }
    with scene.house.connect() as connection:
        for kind, detail in details.items():
            connection.execute(
                """insert into pw.effects (key, item_id, kind, payload_digest, state, intended_at, deadline_at, done_at,
                     reference, detail) values (%s, %s, %s, %s, 'done', %s, %s, %s, 'REF-1', %s)""",
                (f"{kind}:x", scene.item_id, kind, "0" * 64, scene.now, scene.now, scene.now, Jsonb(detail)),
            )


def keep_shown(scene: Scene) -> None:
    """What the portal showed when it was read back."""
    digests = sorted(row["signed_digest"] for row in scene.documents())
    digest = scene.put(json.dumps({"reference": "REF-1", "digests": digests}).encode())
    with scene.house.connect() as connection:
        connection.execute(
            """insert into pw.evidence (item_id, effect_id, stage, kind, title, media_type, digest, at)
               select item_id, effect_id, 'confirm', 'confirmation', 'Shown', 'application/json', %s, %s
               from pw.effects where kind = 'filing'""",
            (digest, scene.now),
        )


@pytest.fixture
def evidence(original: tuple[Path, Seal, Scene, list[Check]], tmp_path: Path) -> Evidence:
    path, seal, scene, _ = original
    return Evidence(path, tmp_path / "unpacked", seal, scene)


def other_seal(tmp_path: Path) -> Seal:
    """The seal of somebody else."""
    from pw_pipelines.settings import Settings

    return Seal(Settings(home=tmp_path / "elsewhere"))


def test_an_honest_item_s_evidence_is_whole(
    original: tuple[Path, Seal, Scene, list[Check]], evidence: Evidence
) -> None:
    path, seal, _, checks = original
    assert [one.text for one in checks if not one.ok] == []
    names = {one.name.split()[0] for one in checks}
    assert names == {
        "objects", "list", "trail", "statements", "signature", "document", "documents", "filed", "confirmed",
        "delivered",
    }  # fmt: skip
    assert any("the firm's" in one.text for one in checks)
    assert all(one.ok for one in verify(path)), "needs nothing but the file"
    assert evidence.wrong(seals=True) == {}
    assert verify(evidence.folder, seals=[seal.fingerprint]) == checks
    assert verify(evidence.folder, seals=[seal.fingerprint.upper().replace("A", "A:")]) == checks


def test_it_is_made_for_every_item_of_an_order(original: tuple[Path, Seal, Scene, list[Check]], tmp_path: Path) -> None:
    _, _, scene, _ = original
    ground = scene.house.ground
    [row] = scene.house.rows("select number from pw.orders join pw.item_work using (order_id)")
    [(path, checks)] = evidence_file_of_order(ground, row["number"], tmp_path / "out", by="t", why="t").items()
    assert path.exists()
    assert all(one.ok for one in checks)
    with pytest.raises(FulfillmentError, match="no paid order"):
        evidence_file_of_order(ground, "PW-NONE", tmp_path, by="t", why="t")
    assert scene.house.rows("select 1 from pw.private_access where by = 't'"), "the reading is in the access log"


@pytest.mark.parametrize("template", ["cpni_certificate", "cpni_statement"])
def test_a_pdf_altered_after_sealing(evidence: Evidence, template: str) -> None:
    row = next(one for one in evidence.content["documents"] if one["template"] == template)
    path = evidence.object(row["signed_digest"])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    wrong = evidence.wrong()
    assert "damaged" in wrong["objects"]
    assert "damaged" in wrong[f"document {template} 1"]


def test_a_pdf_altered_after_sealing_with_its_digests_made_to_fit(evidence: Evidence) -> None:
    row = evidence.content["documents"][0]
    before = row["signed_digest"]
    for added in (b"more", b"\n%%EOF\n"):
        content = evidence.object(before).read_bytes() + added
        digest = evidence.add(content)
        text = canonical(evidence.content).decode().replace(row["signed_digest"], digest)
        evidence.content = json.loads(text)
        row = evidence.content["documents"][0]
        evidence.rechain()
        evidence.write(resign=evidence.seal)
        said = evidence.wrong()["document cpni_certificate 1"]
        assert "does not cover" in said or "can't be read" in said


def test_another_document_under_the_same_signature(evidence: Evidence) -> None:
    """The forger even has the firm's seal: the signed PDF still does not begin with what was made."""
    row = evidence.content["documents"][0]
    row["pdf_digest"] = evidence.add(make_pdf("Something else"))
    evidence.write(resign=evidence.seal)
    wrong = evidence.wrong()["document cpni_certificate 1"]
    assert "not the one that was made" in wrong
    assert "does not begin" in wrong


def test_documents_that_changed_places(evidence: Evidence) -> None:
    first, second = evidence.content["documents"]
    first["signed_digest"], second["signed_digest"] = second["signed_digest"], first["signed_digest"]
    evidence.write(resign=evidence.seal)
    assert {"document cpni_certificate 1", "document cpni_statement 1"} <= evidence.wrong().keys()


@pytest.mark.parametrize(
    "change",
    [
        lambda events: events.pop(1),
        lambda events: events.__delitem__(slice(-3, None)),
        lambda events: events.insert(1, events[0]),
        lambda events: events.reverse(),
        lambda events: events[2]["data"].update(kind="typed"),
        lambda events: events[0].update(at="2026-11-20T00:00:00.000000Z"),
        lambda events: events[0].update(hash="0" * 64),
        lambda events: events[0].update(item_id=999),
        lambda events: events.clear(),
    ],
)  # fmt: skip
def test_a_trail_that_was_tampered_with(evidence: Evidence, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    change(evidence.content["events"])
    evidence.write()
    wrong = evidence.wrong()
    assert "list" in wrong
    evidence.write(resign=evidence.seal)
    assert set(evidence.wrong()) & {"trail", "documents", "document cpni_certificate 1"}


def test_a_trail_computed_anew_does_not_fit_what_the_seals_closed(evidence: Evidence) -> None:
    evidence.content["events"][0]["data"]["expires_at"] = "2027-12-31T00:00:00.000000Z"
    evidence.rechain()
    for event in evidence.content["events"]:
        if event["type"] == "sealed":
            event["data"]["trail"] = evidence.content["events"][event["seq"] - 2]["hash"]
    evidence.rechain()
    evidence.write(resign=evidence.seal)
    wrong = evidence.wrong()
    assert "trail" not in wrong
    assert "closes another trail" in wrong["document cpni_certificate 1"]


def test_what_the_signer_sent_was_changed(evidence: Evidence) -> None:
    [number] = evidence.content["records"]
    evidence.content["records"][number]["ip"] = "192.0.2.1"
    evidence.write(resign=evidence.seal)
    assert "What the signer sent" in evidence.wrong()[f"signature {number}"]


def test_a_record_that_was_erased_breaks_nothing(evidence: Evidence) -> None:
    [number] = evidence.content["records"]
    evidence.content["records"][number] = None
    evidence.write(resign=evidence.seal)
    assert evidence.wrong(seals=True) == {}


def test_another_consent_text(evidence: Evidence) -> None:
    evidence.content["texts"]["consent-1"]["text"] += " And I owe you money."
    evidence.write(resign=evidence.seal)
    assert "not the one that was agreed to" in evidence.wrong()["statements"]
    text = evidence.content["texts"]["consent-1"]["text"]
    next(one for one in evidence.content["events"] if one["type"] == "consented")["data"]["digest"] = sha256(
        text.encode()
    )
    evidence.rechain()
    evidence.write(resign=evidence.seal)
    assert "not the one this project has" in evidence.wrong()["statements"]


def test_another_document_was_uploaded_confirmed_or_delivered(evidence: Evidence) -> None:
    filing = next(one for one in evidence.content["effects"] if one["kind"] == "filing")
    mail = next(one for one in evidence.content["effects"] if one["kind"] == "delivery_mail")
    filing["detail"]["uploads"]["cpni_statement"] = "ab" * 32
    mail["detail"]["delivered"][0]["digest"] = "cd" * 32
    evidence.write(resign=evidence.seal)
    assert set(evidence.wrong()) == {"filed", "confirmed", "delivered"}


def test_the_portal_showed_another_document(evidence: Evidence) -> None:
    row = next(one for one in evidence.content["evidence"] if one["media_type"] == "application/json")
    row["digest"] = evidence.add(json.dumps({"reference": "REF-1", "digests": ["ab" * 32]}).encode())
    evidence.write(resign=evidence.seal)
    assert "nobody signed" in evidence.wrong()["confirmed"]


def test_a_file_by_somebody_else_s_seal_is_told_from_the_firm_s(evidence: Evidence, tmp_path: Path) -> None:
    other = other_seal(tmp_path)
    evidence.write(resign=other)
    assert evidence.wrong() == {}, "sound in itself"
    assert "none of the firm's" in evidence.wrong(seals=True)["list"]


def test_objects_that_are_missing_added_or_lead_elsewhere(evidence: Evidence) -> None:
    row = evidence.content["documents"][0]
    evidence.object("ee" * 32).write_bytes(b"smuggled in")
    assert "not listed" in evidence.wrong()["objects"]
    evidence.object("ee" * 32).unlink()
    evidence.object(row["signed_digest"]).unlink()
    assert "missing" in evidence.wrong()["objects"]
    evidence.object(row["signed_digest"]).symlink_to("/etc/hostname")
    assert "leads elsewhere" in evidence.wrong()["objects"]


@pytest.mark.parametrize(
    "listed",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"format":"other"}', b'{"format":"pw-evidence-1"}',
        b'{"format":"pw-evidence-1","format":"pw-evidence-1"}', b"[" * 100_000, b'{"format": "pw-evidence-1"}',
        b'{"format":"pw-evidence-1","x":NaN}', b'{"format":"pw-evidence-1","x":"\\ud800"}', b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_evidence_is_said_to_be_none(tmp_path: Path, listed: bytes) -> None:
    (tmp_path / "evidence.json").write_bytes(listed)
    assert not all(one.ok for one in verify(tmp_path))


def test_files_that_are_no_archive(evidence: Evidence, tmp_path: Path) -> None:
    assert verify(tmp_path / "nowhere.zip")[0].ok is False
    junk = tmp_path / "junk.zip"
    junk.write_bytes(b"PK\x03\x04" + b"\0" * 100)
    assert verify(junk)[0].ok is False
    whole = evidence.path.read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:300] + b"\xff" * 50 + whole[350:]):
        junk.write_bytes(broken)
        assert not all(one.ok for one in verify(junk))


def test_the_store_must_have_every_object(original: tuple[Path, Seal, Scene, list[Check]], tmp_path: Path) -> None:
    _, _, scene, _ = original
    digest = scene.documents()[0]["signed_digest"]
    [kept] = scene.house.ground.objects._folder.rglob(digest)  # type: ignore[union-attr]
    moved = tmp_path / "moved"
    shutil.move(kept, moved)
    try:
        with pytest.raises(SnapshotError, match="Restore it"):
            evidence_file(scene.house.ground, scene.item_id, tmp_path / "e.zip", by="t", why="t")
        assert not (tmp_path / "e.zip").exists()
    finally:
        shutil.move(moved, kept)
