"""Secrets come from the environment or from files, and are seen nowhere."""

import json
import logging
from pathlib import Path

import dagster as dg
import pytest
import structlog
from pydantic import SecretStr

from pw_pipelines import logs
from pw_pipelines.errors import ConfigError
from pw_pipelines.runtime import doctor
from pw_pipelines.settings import Settings
from pw_pipelines.settings_secrets import origins, secret_fields


def written(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def value(setting: SecretStr | None) -> str | None:
    return None if setting is None else setting.get_secret_value()


@pytest.mark.parametrize("field", secret_fields(Settings))
def test_every_secret_may_stand_in_a_file(field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PW_{field.upper()}_FILE", written(tmp_path / "one", f"the {field}\n"))
    assert value(getattr(Settings(), field)) == f"the {field}"


@pytest.mark.parametrize("name", ["pw_stripe_secret_key", "PW_STRIPE_SECRET_KEY"])
def test_or_in_a_folder_of_them(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / name, "sk_live\r\n")
    monkeypatch.setenv("PW_SECRETS_DIR", str(tmp_path))
    assert value(Settings().stripe_secret_key) == "sk_live"
    assert value(Settings().telegram_token) is None


def test_only_the_line_end_at_the_end_is_not_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW_LINK_KEY_FILE", written(tmp_path / "key", " a\nb \n\n"))
    assert value(Settings().link_key) == " a\nb \n"


def test_the_same_twice_is_fine_and_different_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW_LINK_KEY_FILE", written(tmp_path / "key", "from-the-file\n"))
    monkeypatch.setenv("PW_LINK_KEY", "from-the-file")
    assert value(Settings().link_key) == "from-the-file"
    monkeypatch.setenv("PW_LINK_KEY", "")
    assert value(Settings().link_key) == "from-the-file", "an empty variable gives nothing"
    monkeypatch.setenv("PW_LINK_KEY", "from-the-environment")
    with pytest.raises(ConfigError, match="PW_LINK_KEY is given twice") as refused:
        Settings()
    assert "from-the" not in str(refused.value)


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for path, why in (
        (tmp_path / "missing", "cannot be read"),
        (tmp_path, "cannot be read"),
        (tmp_path / "bytes", "not text"),
        (Path(written(tmp_path / "empty", "\n")), "is empty"),
        (Path(written(tmp_path / "huge", "x" * 70_000)), "is larger"),
    ):
        monkeypatch.setenv("PW_LINK_KEY_FILE", str(path))
        with pytest.raises(ConfigError, match=why) as refused:
            Settings()
        assert str(path) in str(refused.value) and "PW_LINK_KEY" in str(refused.value)
    monkeypatch.delenv("PW_LINK_KEY_FILE")
    monkeypatch.setenv("PW_SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="PW_SECRETS_DIR"):
        Settings()


def test_the_doctor_says_from_where_each_comes_and_not_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PW_LINK_KEY_FILE", written(tmp_path / "key", "canary-one", 0o600))
    monkeypatch.setenv("PW_TELEGRAM_TOKEN", "canary-two")
    checks = list(doctor._secrets(Settings(home=tmp_path)))
    assert [check.name for check in checks] == ["secrets"]
    assert f"PW_LINK_KEY: file {tmp_path / 'key'}" in checks[0].detail
    assert "PW_TELEGRAM_TOKEN: environment" in checks[0].detail
    assert "canary" not in repr(checks)


def test_a_file_that_everybody_can_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pw_pipelines.settings_secrets._reachable", lambda _path: True)
    monkeypatch.setenv("PW_LINK_KEY_FILE", written(tmp_path / "key", "canary", 0o644))
    assert [origin.is_open_to_all for origin in origins(Settings, {"PW_LINK_KEY_FILE": str(tmp_path / "key")})] == [
        True
    ]
    first = next(iter(doctor._secrets(Settings(home=tmp_path))))
    assert (first.name, first.verdict, first.mend) == ("PW_LINK_KEY", "warn", f"chmod 600 {tmp_path / 'key'}")


def test_no_secret_is_seen_in_settings_logs_or_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    canaries = {field: f"canary-{number}-{field}" for number, field in enumerate(secret_fields(Settings))}
    for field, canary in canaries.items():
        monkeypatch.setenv(f"PW_{field.upper()}", canary)
    settings = Settings(home=tmp_path)
    logs.configure()
    structlog.get_logger("x").warning("all of them", settings=settings, **canaries_of_names(canaries))
    logging.getLogger("library").warning("settings %r", settings)

    @dg.op(required_resource_keys={"settings"})
    def shows(context: dg.OpExecutionContext) -> None:
        context.log.info("settings %s", context.resources.settings)

    @dg.job(resource_defs={"settings": dg.ResourceDefinition.hardcoded_resource(settings)})
    def job() -> None:
        shows()

    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance)
        events = repr(instance.all_logs(result.run_id)) + json.dumps(dict(result.dagster_run.run_config))
    captured = capsys.readouterr()
    everything = repr(settings) + str(settings) + settings.model_dump_json() + captured.out + captured.err + events
    assert "all of them" in captured.err and "settings" in events
    assert [canary for canary in canaries.values() if canary in everything] == []


def canaries_of_names(canaries: dict[str, str]) -> dict[str, str]:
    """Those that a careless line would log under their own name."""
    return {name: canaries[name] for name in ("telegram_token", "smtp_password", "stripe_secret_key", "database_url")}
