"""Live mode starts with every credential or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from pw_pipelines.errors import ConfigError
from pw_pipelines.runtime.credentials import NEEDED_LIVE, missing_credentials
from pw_pipelines.runtime.stack import open_stack
from pw_pipelines.runtime.supervisor import up
from pw_pipelines.settings import Mode, Settings


def live(monkeypatch: pytest.MonkeyPatch, home: Path, **given: str) -> Settings:
    for name, value in given.items():
        monkeypatch.setenv(f"PW_{name.upper()}", value)
    monkeypatch.setenv("PW_MODE", "live")
    return Settings(home=home)


def test_live_refuses_to_start_and_names_everything_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = live(monkeypatch, tmp_path, bdc_username="someone", listmonk_token="   ")
    expected = [f"PW_{name.upper()}" for name in NEEDED_LIVE if name != "bdc_username"]
    assert missing_credentials(settings) == expected, "a blank one is missing too"
    for start in (lambda: up(settings), lambda: open_stack(settings).__enter__()):
        with pytest.raises(ConfigError) as caught:
            start()
        assert all(name in str(caught.value) for name in expected)
        assert "PW_BDC_USERNAME" not in str(caught.value)
    assert not (tmp_path / "postgres").exists(), "nothing was started"


def test_with_every_credential_nothing_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = live(monkeypatch, tmp_path, **dict.fromkeys(NEEDED_LIVE, "given"))
    assert missing_credentials(settings) == []


def test_without_backup_keys_or_a_place_off_site_live_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backups = {"backup_recipients", "backup_signing_key", "offsite_host", "offsite_key_file", "offsite_host_key"}
    settings = live(monkeypatch, tmp_path, **dict.fromkeys(set(NEEDED_LIVE) - backups, "given"))
    with pytest.raises(ConfigError, match="needs 5 more credentials: PW_BACKUP_RECIPIENTS: sealing backups"):
        up(settings)


def test_a_mailbox_on_an_imap_server_serves_in_the_maildirs_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = dict.fromkeys(set(NEEDED_LIVE) - {"bounce_maildir"}, "given")
    settings = live(monkeypatch, tmp_path, **others, bounce_imap_host="imap.example", bounce_imap_user="bounces")
    assert missing_credentials(settings) == ["PW_BOUNCE_MAILDIR"]
    settings = settings.model_copy(update={"bounce_imap_password": SecretStr("given")})
    assert missing_credentials(settings) == []


def test_the_sandbox_needs_none(tmp_path: Path) -> None:
    assert missing_credentials(Settings(home=tmp_path, mode=Mode.SANDBOX)) == []
