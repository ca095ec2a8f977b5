"""Sets are made whole or not at all, and leave the machine before anybody counts on them."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path

import pytest

from pw_pipelines.backups import facts, object_pool
from pw_pipelines.backups.capture import Ground
from pw_pipelines.backups.keys import identities_of, verify_keys_of
from pw_pipelines.backups.manifest import load_facts, read_manifest
from pw_pipelines.backups.model import BackupError
from pw_pipelines.backups.postgres import tools_for
from pw_pipelines.backups.sealing import unseal
from pw_pipelines.errors import ConfigError
from tests.backups.house import BackupHouse, MariadbAt
from tests.backups.trade import paid_order


def open_member(house: BackupHouse, subject: str, name: str) -> bytes:
    [one] = house.sets(subject)
    identities = identities_of(house.settings)
    assert identities is not None
    target = house.settings.home / f"opened-{name}"
    unseal(house.far / subject / one.set_id / f"{name}.age", identities, target)
    return target.read_bytes()


def test_a_postgres_set_holds_both_databases_globals_and_the_facts_of_the_same_moment(house: BackupHouse) -> None:
    number, _ = paid_order(house.ground.db)

    told = house.back_up()

    assert told.ok, told.error
    assert (told.offsite, told.verified) == ("confirmed", True)
    [one] = house.sets()
    assert one.is_good
    folder = house.far / "postgres" / one.set_id
    manifest = read_manifest(folder, verify_keys_of(house.settings))
    assert {member.kind for member in manifest.members} == {"pg_custom", "pg_globals", "facts"}
    identities = identities_of(house.settings)
    assert identities is not None
    taken = load_facts(folder, manifest, identities)
    assert number in json.dumps(taken["paid_orders"])
    with house.ground.db.connect() as connection:
        now = facts.collect(connection)
    assert taken["paid_orders"] == now["paid_orders"]
    assert house.leftovers() == []


def test_nothing_readable_leaves_the_machine(house: BackupHouse) -> None:
    number, _ = paid_order(house.ground.db)
    house.back_up()

    for name in house.files_far():
        content = (house.far / name).read_bytes()
        assert number.encode() not in content
        assert name.endswith((".age", "manifest.json", "manifest.json.sig"))


def test_a_mariadb_set_holds_the_whole_dump_and_the_key_of_its_secrets(house: BackupHouse, mariadb: MariadbAt) -> None:
    house.with_settings(**mariadb.settings())

    told = house.back_up("mariadb")

    assert told.ok, told.error
    text = gzip.decompress(open_member(house, "mariadb", "erpnext.sql.gz")).decode()
    assert "CREATE TABLE" in text
    assert text.rstrip().splitlines()[-1].startswith("-- Dump completed")
    assert b"encryption_key" in open_member(house, "mariadb", "site_config.json")
    assert house.leftovers() == []


def test_a_wrong_password_is_a_failed_set_that_never_shows_it(house: BackupHouse, mariadb: MariadbAt) -> None:
    from pydantic import SecretStr

    house.with_settings(**mariadb.settings() | {"mariadb_password": SecretStr("not-the-one")})

    told = house.back_up("mariadb")

    assert not told.ok
    assert "Access denied" in str(told.error)
    [failed] = house.sets("mariadb", states=("failed",))
    assert "not-the-one" not in str(failed.error)
    assert house.leftovers() == []


def test_a_program_that_ends_with_an_error_makes_no_set(house: BackupHouse, tmp_path: Path) -> None:
    house.with_settings(forgejo_dump_command=str(program(tmp_path, "echo all is well; exit 3")))

    told = house.back_up("forgejo")

    assert "exit code 3" in str(told.error)
    assert house.sets("forgejo") == []
    assert house.leftovers() == []


def test_forgejos_dump_is_asked_for_by_a_command_and_read_through(house: BackupHouse, tmp_path: Path) -> None:
    house.with_settings(forgejo_dump_command=f"cat {forgejo_archive(tmp_path)}")

    told = house.back_up("forgejo")

    assert told.ok, told.error
    assert "PW_FORGEJO_DATABASE_URL" in told.findings[0]


@pytest.mark.parametrize(("cut", "says"), [(40, "cut short"), (0, "holds no")])
def test_a_forgejo_dump_cut_short_makes_no_set(house: BackupHouse, tmp_path: Path, cut: int, says: str) -> None:
    archive = forgejo_archive(tmp_path, parts=("app.ini", "repos") if cut else ("app.ini",))
    archive.write_bytes(archive.read_bytes()[: -cut or None])
    house.with_settings(forgejo_dump_command=f"cat {archive}")

    told = house.back_up("forgejo")

    assert says in str(told.error)
    assert house.sets("forgejo") == []


def test_what_is_not_configured_is_not_done_and_said_so(house: BackupHouse) -> None:
    told = house.back_up("forgejo")

    assert told.ok
    assert told.skipped == "PW_FORGEJO_DUMP_COMMAND is not set."


def test_a_dump_cut_short_passes_the_list_but_not_the_reading(house: BackupHouse, tmp_path: Path) -> None:
    tools = tools_for(18, house.settings.postgres_tools)
    cutting = tmp_path / "cutting"
    cutting.mkdir()
    for name in ("pg_dumpall", "pg_restore"):
        (cutting / name).symlink_to(tools[name])
    cut = 'for one in "$@"; do case "$one" in --file=*) truncate -s -2000 "${one#--file=}";; esac; done'
    program(cutting, f'"{tools["pg_dump"]}" "$@" || exit $?\n{cut}', name="pg_dump")
    house.with_settings(postgres_tools=cutting)

    told = house.back_up()

    assert "cut short or damaged" in str(told.error)
    assert house.sets() == []
    assert house.leftovers() == []


def test_client_programs_older_than_the_server_are_refused_by_name(tmp_path: Path) -> None:
    for name in ("pg_dump", "pg_dumpall", "pg_restore"):
        program(tmp_path, 'echo "pg_dump (PostgreSQL) 9.6.24"', name=name)

    with pytest.raises(ConfigError, match=r"No pg_dump.*for PostgreSQL 18.*9\.6\.24.*PW_POSTGRES_TOOLS"):
        tools_for(18, tmp_path)


def test_objects_are_sealed_once_and_every_set_names_all_there_were(house: BackupHouse) -> None:
    first = house.keep(b"first")
    house.back_up("objects")
    second = house.keep(b"second")

    told = house.back_up("objects")

    assert told.ok, told.error
    newest = house.sets("objects")[0]
    assert newest.detail["notes"]["objects"] == 2
    pooled = [name for name in house.files_far() if name.startswith("pool/")]
    assert pooled == sorted(f"pool/{one[:2]}/{one}.age" for one in (first, second))
    assert not list((house.root / "pool").rglob("*.age"))  # off-site and confirmed: the copy here goes


@pytest.mark.parametrize("how", ["gone", "altered"])
def test_an_object_lost_or_altered_in_the_source_is_named_and_stays_in_the_backup(house: BackupHouse, how: str) -> None:
    digest = house.keep(b"precious")
    house.back_up("objects")
    path = house.settings.home / "objects" / "sha256" / digest[:2] / digest
    path.unlink() if how == "gone" else path.write_bytes(b"other bytes")

    told = house.back_up("objects")

    assert not told.ok
    assert digest in str(told.error)
    assert "1 of them are in the backup" in str(told.error)
    newest = house.sets("objects")[0]
    assert newest.is_good  # the copy stands although the source does not
    assert newest.detail["notes"]["objects"] == 1


def test_an_object_that_comes_while_the_others_are_being_sealed_is_not_called_gone(
    house: BackupHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.keep(b"there before")
    seal_one = object_pool.into_pool

    def seal_while_the_house_works(ground: Ground, scratch: Path, digest: str) -> object_pool.Pooled | None:
        report = house.keep(b"a report")
        with ground.db.connect() as connection:
            connection.execute(
                "insert into pw.backup_drills (started_at, machine_started_at, report_digest) "
                "values (now(), now(), %s)",
                (report,),
            )
        return seal_one(ground, scratch, digest)

    monkeypatch.setattr(object_pool, "into_pool", seal_while_the_house_works)
    told = house.back_up("objects")
    assert told.ok, told.error
    monkeypatch.undo()
    assert house.back_up("objects").ok
    assert house.sets("objects")[0].detail["notes"]["objects"] == 2  # the next set has it


def test_bytes_that_are_not_those_of_their_name_are_never_saved_under_it(house: BackupHouse) -> None:
    digest = house.keep(b"right")
    (house.settings.home / "objects" / "sha256" / digest[:2] / digest).write_bytes(b"wrong")

    told = house.back_up("objects")

    assert digest in str(told.error)
    assert house.sets("objects")[0].detail["notes"]["never_saved"] == [digest]


def test_two_makers_of_one_subject_take_turns(house: BackupHouse) -> None:
    from pw_pipelines.backups import books
    from pw_pipelines.backups.making import make

    with books.turn(house.ground.db, "postgres"), pytest.raises(BackupError, match="under way already"):
        make(house.ground, "postgres")


def program(folder: Path, script: str, *, name: str = "program") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def forgejo_archive(folder: Path, *, parts: tuple[str, ...] = ("app.ini", "repos")) -> Path:
    archive = folder / "stand-in.tar.gz"
    content = folder / "content"
    content.write_text("some content\n" * 100)
    with tarfile.open(archive, "w:gz") as tar:
        for part in parts:
            tar.add(content, arcname=part if part == "app.ini" else f"{part}/team/project.git/HEAD")
    return archive
