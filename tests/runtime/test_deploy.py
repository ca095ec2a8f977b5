"""deploy/ names only what exists: settings, commands, modules, ports, files."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pw_pipelines.cli import COMMANDS
from pw_pipelines.runtime.credentials import NEEDED_LIVE
from pw_pipelines.settings import PROJECT_ROOT, Settings
from pw_pipelines.settings_secrets import secret_fields

DEPLOY = PROJECT_ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and "monitoring" not in path.parts)
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SETTINGS = {f"PW_{name.upper()}" for name in Settings.model_fields}
SECRET_FILES = {f"PW_{name.upper()}_FILE" for name in secret_fields(Settings)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    named = set(re.findall(r"\bPW_[A-Z0-9_]+[A-Z0-9]\b", path.read_text()))
    assert named <= SETTINGS | SECRET_FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_command_and_module_exists(path: Path) -> None:
    text = path.read_text()
    commands = {word for _, word in re.findall(r'(bin/pw|"pw",) "?([a-z]+)', text)}
    assert commands <= set(COMMANDS)
    for module in re.findall(r"\bpw_pipelines(?:\.[a-z_]+)+", text):
        assert importlib.util.find_spec(module), module


def test_the_image_copies_what_is_there() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copied = [word for line in re.findall(r"^COPY ((?!--from).+)$", text, re.M) for word in line.split()[:-1]]
    assert copied and [word for word in copied if not (PROJECT_ROOT / word).exists()] == []


def test_services_start_again_have_limits_and_are_asked_how_they_are() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["restart"] == "unless-stopped", name
        assert "mem_limit" in service and "healthcheck" in service, name
        if "profiles" not in service:
            assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
            assert "no-new-privileges:true" in service["security_opt"], name


def test_only_tls_is_reached_from_outside_and_no_secret_stands_in_a_file_of_ours() -> None:
    assert [name for name, service in COMPOSE["services"].items() if service.get("ports")] == ["tls"]
    secrets = {f"PW_{name.upper()}" for name in secret_fields(Settings)}
    for path in FILES:
        given = re.findall(r"^\s*(?:- |export )?(PW_[A-Z0-9_]+)\s*[:=]", path.read_text(), re.M)
        assert not secrets & set(given), path
    for file in (path for path in COMPOSE["secrets"].values()):
        assert file["file"].startswith("/etc/pw/")


def test_ports_are_those_of_the_settings() -> None:
    settings = Settings()
    ports = {str(settings.web_port), str(settings.dagster_port)}
    assert set(re.findall(r"house:(\d+)", (DEPLOY / "Caddyfile").read_text())) == ports
    check = COMPOSE["services"]["house"]["healthcheck"]["test"][-1]
    assert set(re.findall(r"127\.0\.0\.1:(\d+)", check)) == ports
    assert set(re.findall(r"^EXPOSE (\d+) (\d+)$", (DEPLOY / "Dockerfile").read_text(), re.M)[0]) == ports


def test_files_that_compose_mounts_are_there() -> None:
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).exists(), source
            elif not source.startswith("/"):
                assert source in COMPOSE["volumes"], source


def test_the_unit_is_one_that_systemd_reads(tmp_path: Path) -> None:
    unit = (DEPLOY / "systemd" / "pw.service").read_text()
    assert "KillMode=mixed" in unit, "`pw up` stops its processes itself, in order"
    assert "Restart=on-failure" in unit
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    program = tmp_path / "pw"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = tmp_path / "pw.service"
    copy.write_text(unit.replace("/opt/pw/.venv/bin/pw", str(program)))
    done = subprocess.run([analyze, "verify", str(copy)], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if "pw.service" in line]
    assert said == []


def test_the_example_has_every_credential_that_is_no_secret_and_the_addresses() -> None:
    named = set(re.findall(r"^(PW_[A-Z0-9_]+)=.", (DEPLOY / "settings.env.example").read_text(), re.M))
    secret = {f"PW_{name.upper()}" for name in secret_fields(Settings)}
    wanted = {f"PW_{name.upper()}" for name in NEEDED_LIVE} - secret
    ids = {"PW_BDC_USERNAME", "PW_PAYPAL_CLIENT_ID", "PW_PAYPAL_WEBHOOK_ID", "PW_ADYEN_MERCHANT_ACCOUNT"}
    assert wanted - named == {*ids, "PW_ERPNEXT_API_KEY"}  # they lie beside the secret they belong to
    assert {"PW_PUBLIC_URL", "PW_DAGSTER_URL", "PW_OFFSITE_USER", "PW_OFFSITE_PATH"} <= named


def test_every_credential_stands_in_the_page_with_where_it_comes_from() -> None:
    rows = re.findall(r"^\| `(PW_[A-Z0-9_]+)` \|", (PROJECT_ROOT / "docs" / "deploying.md").read_text(), re.M)
    assert rows == [f"PW_{name.upper()}" for name in NEEDED_LIVE]
