"""deploy/monitoring, checked by the programs that will read it, and against what /metrics really tells."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pw_pipelines.settings import PROJECT_ROOT, Settings
from tests.monitoring.conftest import client_of

DEPLOY = PROJECT_ROOT / "deploy" / "monitoring"
TOOLS = PROJECT_ROOT / ".pw" / "tools" / "prometheus" / "usr" / "bin"
RUNBOOKS = PROJECT_ROOT / "docs" / "runbooks.md"
FILES = sorted(path.name.removesuffix(".rules.yml") for path in (DEPLOY / "rules").glob("*.rules.yml"))
_METRIC = re.compile(r"\b(pw_[a-z0-9_]+|process_[a-z0-9_]+)\b")
TEN = {
    "web", "dagster_ops", "dagster_read_only", "listmonk", "erpnext", "umami", "minio", "forgejo", "smtp",
    "ssh_off_site",
}  # fmt: skip

pytestmark = pytest.mark.skipif(not (TOOLS / "promtool").exists(), reason="promtool is missing; make setup brings it")


def run(program: str, *arguments: str, cwd: Path = DEPLOY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TOOLS / program), *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )


def rules() -> list[dict[str, Any]]:
    found = []
    for name in FILES:
        for group in yaml.safe_load((DEPLOY / "rules" / f"{name}.rules.yml").read_text())["groups"]:
            found += group["rules"]
    return found


def panels() -> list[dict[str, Any]]:
    board = json.loads((DEPLOY / "grafana" / "house.json").read_text())
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions() -> list[tuple[str, str]]:
    """(where, expression) of every rule and every panel."""
    shown = [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]
    return [*((rule["alert"], rule["expr"]) for rule in rules()), *shown]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The folder as it stands on the machine: with the token beside it."""
    place = shutil.copytree(DEPLOY, tmp_path / "monitoring")
    (place / "metrics_token").write_text("token")
    return place


def test_prometheus_takes_its_configuration(installed: Path) -> None:
    told = run("promtool", "check", "config", "prometheus.yml", cwd=installed)

    assert told.returncode == 0, told.stdout + told.stderr
    assert "rule files found" in told.stdout


@pytest.mark.parametrize("name", FILES)
def test_every_alert_fires_when_it_must_and_keeps_quiet_when_it_must(name: str) -> None:
    told = run("promtool", "test", "rules", f"rules/{name}.test.yml")

    assert told.returncode == 0, told.stdout + told.stderr


def test_a_rule_that_is_broken_is_found_by_its_test(installed: Path) -> None:
    rule = installed / "rules" / "house.rules.yml"
    rule.write_text(rule.read_text().replace('up{job="web"} == 0', 'up{job="web"} == 7'))

    assert run("promtool", "test", "rules", "rules/house.test.yml", cwd=installed).returncode == 1


def test_every_alert_has_both_tests() -> None:
    for name in FILES:
        alerts = yaml.safe_load((DEPLOY / "rules" / f"{name}.rules.yml").read_text())["groups"][0]["rules"]
        wanted = {
            f"# {one['alert']} ({one['labels']['severity']}) {what}"
            for one in alerts
            for what in ("fires", "keeps quiet")
        }
        has = {line.strip() for line in (DEPLOY / "rules" / f"{name}.test.yml").read_text().splitlines()}
        assert wanted - has == set()


def test_alertmanager_takes_its_configuration() -> None:
    told = run("amtool", "check-config", "alertmanager.yml")

    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize(("severity", "receiver"), [("critical", "telegram-critical"), ("warning", "telegram-warning")])
def test_alerts_go_to_telegram_by_their_severity(severity: str, receiver: str) -> None:
    labels = ["alertname=EffectUnknown", f"severity={severity}"]
    told = run("amtool", "config", "routes", "test", "--config.file=alertmanager.yml", *labels)

    assert told.stdout.strip() == receiver
    config = yaml.safe_load((DEPLOY / "alertmanager.yml").read_text())
    again = {route["receiver"]: route["repeat_interval"] for route in config["route"]["routes"]}
    assert again == {"telegram-critical": "1h", "telegram-warning": "6h"}
    names = {one["name"]: one for one in config["receivers"]}
    assert all(isinstance(one["chat_id"], int) for one in names[receiver]["telegram_configs"])


def test_the_blackbox_exporter_takes_its_modules() -> None:
    told = run("prometheus-blackbox-exporter", "--config.file=blackbox.yml", "--config.check")

    assert told.returncode == 0, told.stderr


def test_ten_services_are_probed_by_modules_that_exist() -> None:
    modules = yaml.safe_load((DEPLOY / "blackbox.yml").read_text())["modules"]
    targets = yaml.safe_load((DEPLOY / "targets" / "probes.yml").read_text())

    assert {one["labels"]["service"] for one in targets} == TEN
    assert {one["labels"]["module"] for one in targets} <= set(modules)
    assert {one["labels"]["severity"] for one in targets} == {"critical", "warning"}
    for module in modules.values():
        assert (module.get("http") or module["tcp"])["preferred_ip_protocol"] == "ip4"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_every_alert_says_what_it_means_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    notes = rule["annotations"]
    assert len(notes["summary"]) > 15
    assert len(notes["description"]) > 30
    page, _, anchor = notes["runbook_url"].partition("#")
    assert page.endswith("/docs/runbooks.md")
    headings = re.findall(r"^#{2,3} (.+)$", RUNBOOKS.read_text(), flags=re.MULTILINE)
    assert anchor in {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_expression_can_be_read(tmp_path: Path) -> None:
    rules = [{"record": f"x:{number}", "expr": expression} for number, (_, expression) in enumerate(expressions())]
    (tmp_path / "x.yml").write_text(yaml.safe_dump({"groups": [{"name": "x", "rules": rules}]}))

    told = run("promtool", "check", "rules", "x.yml", cwd=tmp_path)

    assert told.returncode == 0, told.stdout + told.stderr


def test_nothing_is_asked_that_is_not_told(watched: Settings) -> None:
    """A metric that is renamed or dropped breaks this test, before it blinds an alert or empties a panel."""
    with client_of(watched) as http:
        http.get("/health/live")
        text = http.get("/metrics").text
    told = set(re.findall(r"^# HELP (\S+) ", text, flags=re.MULTILINE))
    told |= {f"{name}{end}" for name in told for end in ("_bucket", "_sum", "_count")}
    # The warm process is not there in this test; what it would say is told by monitoring/warm.py.
    told |= set(_METRIC.findall((PROJECT_ROOT / "pw_pipelines" / "monitoring" / "warm.py").read_text()))

    unknown = {
        f"{where}: {name}"
        for where, expression in expressions()
        for name in _METRIC.findall(re.sub(r'"[^"]*"', '""', expression))
        if name not in told
    }
    assert unknown == set()


def test_the_board_is_one_that_grafana_loads() -> None:
    board = json.loads((DEPLOY / "grafana" / "house.json").read_text())
    sources = yaml.safe_load((DEPLOY / "grafana" / "provisioning" / "datasources.yml").read_text())

    known = {one["uid"] for one in sources["datasources"]}
    assert {panel["datasource"]["uid"] for panel in panels()} == known
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    placed = [panel["gridPos"] for panel in board["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in placed)
