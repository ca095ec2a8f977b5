"""The off-site copy: known machine or none, read back or not counted on, never shortened but by lists of files."""

from __future__ import annotations

import getpass
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from pw_pipelines.backups import books, expiring, object_pool, retention, verifying
from pw_pipelines.backups.model import BackupError
from pw_pipelines.backups.offsite import Offsite, OffsiteRefused, OffsiteUnavailable
from pw_pipelines.errors import ConfigError
from pw_pipelines.sandbox import offsite
from tests.backups.house import BackupHouse


def another_key(folder: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "other")], check=True)
    return (folder / "other.pub").read_text().rsplit(" ", 1)[0]


def test_a_machine_with_another_key_is_sent_nothing(house: BackupHouse, tmp_path: Path) -> None:
    house.with_settings(offsite_host_key=another_key(tmp_path))

    told = house.back_up("objects")

    assert not told.ok
    assert "shows another host key than PW_OFFSITE_HOST_KEY" in str(told.error)
    assert not house.far.exists()
    [one] = house.sets("objects")
    assert (one.is_good, one.confirmed_at) == (False, None)


def test_what_was_not_sent_is_sent_by_the_next_round(house: BackupHouse, tmp_path: Path) -> None:
    right = house.settings.offsite_port
    house.with_settings(offsite_port=9)
    first = house.back_up("objects")
    assert "could not be reached" in str(first.error)
    house.with_settings(offsite_port=right)

    assert house.back_up("objects").ok

    assert all(one.is_good for one in house.sets("objects"))


def test_a_login_that_is_not_ours_is_told_from_a_machine_that_is_away(house: BackupHouse, tmp_path: Path) -> None:
    another_key(tmp_path)
    house.with_settings(offsite_key_file=tmp_path / "other")
    with pytest.raises(OffsiteRefused, match="does not know our key"):
        house.offsite().digests(house.root, {"postgres/x": "0" * 64})
    house.with_settings(offsite_port=9)
    with pytest.raises(OffsiteUnavailable, match="could not be reached"):
        house.offsite().digests(house.root, {"postgres/x": "0" * 64})


def test_settings_that_cannot_work_are_named(house: BackupHouse) -> None:
    for update, name in (
        ({"offsite_host_key": "not a key"}, "PW_OFFSITE_HOST_KEY"),
        ({"offsite_key_file": Path("/nowhere")}, "PW_OFFSITE_KEY_FILE"),
        ({"offsite_path": "/"}, "PW_OFFSITE_PATH"),
    ):
        with pytest.raises(ConfigError, match=name):
            Offsite.of(house.settings.model_copy(update=update))


def test_a_damaged_copy_off_site_is_named_and_sent_anew(house: BackupHouse) -> None:
    house.back_up("objects")
    [one] = house.sets("objects")
    archive = house.far / "objects" / one.set_id / "index.jsonl.age"
    content = archive.read_bytes()
    archive.write_bytes(content[:-1] + b"\0")

    [verdict] = verifying.verify(house.ground, house.offsite(), house.sets("objects"))

    assert verdict.damage == (f"objects/{one.set_id}/index.jsonl.age is altered off-site",)
    assert not house.sets("objects")[0].is_good
    house.back_up("objects")
    assert archive.read_bytes() == content
    assert all(one.is_good for one in house.sets("objects"))


def test_a_copy_damaged_here_never_replaces_the_good_one_there(house: BackupHouse) -> None:
    house.back_up("objects")
    [one] = house.sets("objects")
    here = house.root / "objects" / one.set_id / "index.jsonl.age"
    good = here.read_bytes()
    here.write_bytes(good[:-1])
    books.not_confirmed(house.ground.db, one.set_id, "asked for by the test")

    house.back_up("objects")

    assert (house.far / "objects" / one.set_id / "index.jsonl.age").read_bytes() == good
    [bad] = [each for each in house.sets("objects") if each.set_id == one.set_id]
    assert "is damaged" in str(bad.damage)


def test_a_sealed_object_that_vanished_off_site_is_named(house: BackupHouse) -> None:
    digest = house.keep(b"precious")
    house.back_up("objects")
    (house.far / "pool" / digest[:2] / f"{digest}.age").unlink()

    [verdict] = verifying.verify(house.ground, house.offsite(), house.sets("objects"))

    assert verdict.damage == (f"pool/{digest[:2]}/{digest}.age is not off-site",)


@pytest.mark.parametrize("finder", ["the next set", "pw backup verify"])
def test_a_sealed_object_lost_off_site_makes_no_good_set_and_is_sealed_anew(
    house: BackupHouse, monkeypatch: pytest.MonkeyPatch, finder: str
) -> None:
    digest = house.keep(b"precious")
    house.back_up("objects")
    there = house.far / "pool" / digest[:2] / f"{digest}.age"
    there.unlink()
    if finder == "the next set":
        monkeypatch.setattr(object_pool, "PARTS", 1)  # all of it has its turn today
        told = house.back_up("objects")
        assert not told.ok
        assert f"{digest}.age is not off-site" in str(told.error)
    else:
        verifying.verify(house.ground, house.offsite(), house.sets("objects"))

    assert house.back_up("objects").ok
    assert there.is_file()
    assert house.sets("objects")[0].is_good
    assert verifying.verify(house.ground, house.offsite(), house.sets("objects")[:1])[0].ok


def test_what_was_lost_before_it_was_off_site_is_sealed_anew(house: BackupHouse) -> None:
    digest = house.keep(b"precious")
    there = house.settings.offsite_port
    house.with_settings(offsite_port=1)
    house.back_up("objects")
    house.ground.places.pooled(digest).unlink()
    house.with_settings(offsite_port=there)

    assert house.back_up("objects").ok
    assert f"pool/{digest[:2]}/{digest}.age" in house.files_far()


def test_an_altered_manifest_is_noticed_by_its_signature(house: BackupHouse) -> None:
    house.back_up("objects")
    [one] = house.sets("objects")
    manifest = house.root / "objects" / one.set_id / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"objects": 0', '"objects": 7'))

    [verdict] = verifying.verify(house.ground, house.offsite(), house.sets("objects"))

    assert "not what was signed" in verdict.damage[0]


def test_where_sha256sum_may_not_be_run_the_copy_is_compared_by_content(
    house: BackupHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pw_pipelines.backups import offsite
    from pw_pipelines.backups.programs import Done

    monkeypatch.setattr(offsite.Offsite, "_remote", lambda *_: (Done(126, "off-site: only rsync is run here."), ""))

    assert house.back_up("objects").ok
    [one] = house.sets("objects")
    archive = house.far / "objects" / one.set_id / "index.jsonl.age"
    archive.write_bytes(archive.read_bytes()[:-1] + b"\0")
    name = f"objects/{one.set_id}/index.jsonl.age"
    assert house.offsite().digests(house.root, {name: one.digests["index.jsonl.age"]}) == {name: ""}


def test_old_sets_go_here_and_there_and_objects_stay(house: BackupHouse) -> None:
    digest = house.keep(b"precious")
    for _ in range(3):
        house.back_up("objects")
    made = [one.set_id for one in house.sets("objects")]
    age(house, dict(zip(made, (0, 40, 41), strict=True)))
    house.with_settings(backup_keep_good=1, backup_keep_hourly=1, backup_keep_daily=1, backup_keep_weekly=0,
                        backup_keep_monthly=0)  # fmt: skip

    done = expiring.expire(house.ground, house.offsite(), "objects")

    assert set(done.removed) == set(made[1:])
    assert not [name for name in house.files_far() if any(one in name for one in made[1:])]
    assert [one.name for one in (house.far / "objects").iterdir()] == made[:1]  # not even an empty folder
    assert f"pool/{digest[:2]}/{digest}.age" in house.files_far()
    assert [one.set_id for one in house.sets("objects")] == made[:1]


def test_a_folder_that_is_not_empty_stays_and_nothing_but_a_sets_folder_is_asked_for(house: BackupHouse) -> None:
    house.back_up("objects")
    [one] = house.sets("objects")

    house.offsite().remove_folders([f"objects/{one.set_id}"])

    assert (house.far / "objects" / one.set_id / "manifest.json").is_file()
    for other in ("objects", "pool/ab", "journal", f"../objects/{one.set_id}", "objects/.."):
        with pytest.raises(BackupError):
            house.offsite().remove_folders([other])


@pytest.mark.parametrize(
    "asked",
    ["rmdir -- {0}", "rmdir -- {0}/objects", "rmdir -- {0}/pool/ab", "rmdir -p -- {0}/objects/20260131T100500Z-3fa9c1",
     "rmdir -- {0}/objects/../pool/20260131T100500Z-3fa9c1", "rmdir -- /objects/20260131T100500Z-3fa9c1"],
)  # fmt: skip
def test_the_door_there_removes_no_other_folder(tmp_path: Path, asked: str) -> None:
    from pw_pipelines.sandbox.offsite_door import refusal

    assert refusal(asked.format("far").split(), tmp_path) is not None
    assert refusal("rmdir -- far/objects/20260131T100500Z-3fa9c1".split(), tmp_path) is None


def test_a_set_that_a_drill_reads_stays(house: BackupHouse) -> None:
    for _ in range(2):
        house.back_up("objects")
    newest, oldest = (one.set_id for one in house.sets("objects"))
    age(house, {newest: 0, oldest: 40})
    with house.ground.db.connect() as connection:
        connection.execute(
            "insert into pw.backup_drills (started_at, machine_started_at, set_ids) values (%s, now(), %s)",
            (house.ground.now(), [oldest]),
        )
    house.with_settings(backup_keep_good=1, backup_keep_hourly=1, backup_keep_daily=1, backup_keep_weekly=0,
                        backup_keep_monthly=0)  # fmt: skip

    assert expiring.expire(house.ground, house.offsite(), "objects").expired == ()


def test_the_login_used_is_the_one_set(house: BackupHouse) -> None:
    assert house.offsite().user == getpass.getuser()
    assert retention.Keep.of(house.settings).good == 3


def age(house: BackupHouse, days: dict[str, int]) -> None:
    with house.ground.db.connect() as connection:
        for set_id, count in days.items():
            connection.execute(
                "update pw.backup_sets set captured_at = %s where set_id = %s",
                (house.ground.now() - timedelta(days=count), set_id),
            )


def test_a_stand_in_whose_server_does_not_run_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = tmp_path / "sshd"
    server.write_text("#!/bin/sh\necho 'libwrap.so.0: cannot open shared object file' >&2\nexit 127\n")
    server.chmod(0o755)
    monkeypatch.setattr(offsite, "sshd_path", lambda: server)
    with pytest.raises(ConfigError, match=r"does not run: libwrap\.so\.0.*Install it with"):
        offsite.SandboxOffsite(tmp_path / "machine").start(0)
