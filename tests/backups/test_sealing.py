"""Archives are age's own, opened by the right key alone; manifests are believed only as they were signed."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr

from pw_pipelines.backups.keys import Identities, Recipients, identities_of, recipients_of, signing_key_of
from pw_pipelines.backups.model import BackupDamaged, BackupError, WrongKey
from pw_pipelines.backups.sealing import digest_of, looks_sealed, open_header, seal, unseal
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Mode, Settings

PLAIN = bytes(range(256)) * 1_000


def pair() -> tuple[Recipients, Identities]:
    identity = pyrage.x25519.Identity.generate()
    return Recipients((identity.to_public(),)), Identities((identity,), "the test")


@pytest.mark.parametrize("plain", [b"", b"x", PLAIN])
def test_what_is_sealed_is_opened_byte_by_byte(tmp_path: Path, plain: bytes) -> None:
    recipients, identities = pair()
    sealed = seal(io.BytesIO(plain), tmp_path / "x.age", recipients)

    opened = unseal(tmp_path / "x.age", identities, tmp_path / "x")

    assert (tmp_path / "x").read_bytes() == plain
    assert (opened.plain_digest, opened.digest) == (sealed.plain_digest, sealed.digest)
    assert digest_of(tmp_path / "x.age") == (sealed.digest, sealed.bytes)
    assert (tmp_path / "x").stat().st_mode & 0o077 == 0
    open_header(tmp_path / "x.age", identities)


@pytest.mark.parametrize("where", [30, 400, 70_000, -1])
def test_one_altered_byte_anywhere_is_found_and_nothing_half_opened_stays(tmp_path: Path, where: int) -> None:
    recipients, identities = pair()
    seal(io.BytesIO(PLAIN), tmp_path / "x.age", recipients)
    content = bytearray((tmp_path / "x.age").read_bytes())
    content[where] ^= 1
    (tmp_path / "x.age").write_bytes(content)

    with pytest.raises(BackupDamaged, match=r"x\.age"):
        unseal(tmp_path / "x.age", identities, tmp_path / "x")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("kept", [0, 10, 250, 65_800, 131_400])
def test_an_archive_cut_short_is_found(tmp_path: Path, kept: int) -> None:
    recipients, identities = pair()
    seal(io.BytesIO(PLAIN), tmp_path / "x.age", recipients)
    (tmp_path / "x.age").write_bytes((tmp_path / "x.age").read_bytes()[:kept])

    with pytest.raises(BackupDamaged):
        unseal(tmp_path / "x.age", identities)


def test_another_key_opens_nothing_and_the_message_shows_only_public_keys(tmp_path: Path) -> None:
    recipients, _ = pair()
    _, others = pair()
    seal(io.BytesIO(PLAIN), tmp_path / "x.age", recipients)

    with pytest.raises(WrongKey, match="public key age1") as wrong:
        open_header(tmp_path / "x.age", others)
    assert "SECRET" not in str(wrong.value)
    assert looks_sealed(tmp_path / "x.age")


def test_several_people_can_open_one_archive(tmp_path: Path) -> None:
    (first, one), (second, other) = pair(), pair()
    seal(io.BytesIO(PLAIN), tmp_path / "x.age", Recipients((*first.keys, *second.keys)))

    assert unseal(tmp_path / "x.age", one) == unseal(tmp_path / "x.age", other)


def test_an_archive_is_never_written_over(tmp_path: Path) -> None:
    recipients, _ = pair()
    (tmp_path / "x.age").write_bytes(b"something")

    with pytest.raises(BackupError, match="never written over"):
        seal(io.BytesIO(PLAIN), tmp_path / "x.age", recipients)
    assert (tmp_path / "x.age").read_bytes() == b"something"


def test_the_program_age_opens_an_archive_without_this_project(tmp_path: Path) -> None:
    age = shutil.which("age")
    assert age, "age is installed by tools/setup.sh"
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity.txt").write_text(f"# made by the test\n{identity}\n")
    seal(io.BytesIO(PLAIN), tmp_path / "x.age", Recipients((identity.to_public(),)))

    subprocess.run(
        [age, "-d", "-i", tmp_path / "identity.txt", "-o", tmp_path / "x", tmp_path / "x.age"], check=True, timeout=30
    )

    assert (tmp_path / "x").read_bytes() == PLAIN


def test_the_sandbox_makes_its_keys_once_and_live_mode_needs_its_own(settings: Settings) -> None:
    assert recipients_of(settings).names == recipients_of(settings).names
    assert signing_key_of(settings).private_bytes_raw() == signing_key_of(settings).private_bytes_raw()
    live = settings.model_copy(update={"mode": Mode.LIVE})
    assert identities_of(live) is None
    with pytest.raises(ConfigError, match="PW_BACKUP_RECIPIENTS is not set"):
        recipients_of(live)
    with pytest.raises(ConfigError, match="PW_BACKUP_SIGNING_KEY is not set"):
        signing_key_of(live)


def test_a_private_key_among_the_recipients_is_refused_without_being_shown(settings: Settings) -> None:
    secret = str(pyrage.x25519.Identity.generate())

    with pytest.raises(ConfigError, match="looks like a private key") as refused:
        recipients_of(settings.model_copy(update={"backup_recipients": secret}))
    assert secret not in str(refused.value)


@pytest.mark.parametrize(("key", "says"), [("AAAA", "bytes, not 32"), ("???", "is not base64")])
def test_a_signing_key_that_is_none_is_named(settings: Settings, key: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        signing_key_of(settings.model_copy(update={"backup_signing_key": SecretStr(key)}))
