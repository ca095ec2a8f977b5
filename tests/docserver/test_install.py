"""What is copied to Windows: a wheel that runs alone, a task that heals itself, scripts that keep the exit code."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from lxml import etree

from docserver.build import PROTOCOL, ROOT, build
from docserver.settings import load
from docserver.single import Single
from pw_pipelines.documents.docserver import DocServer, Heartbeat, folder_of, now_text
from pw_pipelines.documents.jobs import hand_in, job_name, result_of
from pw_pipelines.documents.rendering import render
from pw_pipelines.errors import ConfigError
from tests.documents.conftest import has_office  # noqa: F401 - a fixture
from tests.documents.samples import sample_values

INSTALL = ROOT / "docserver" / "install"
NS = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
CLEAN = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the wheel and obstore, and nothing else of the project's."""
    folder = tmp_path_factory.mktemp("alone")
    with zipfile.ZipFile(build(folder / "built")) as wheel:
        wheel.extractall(folder / "packages")
    spec = importlib.util.find_spec("obstore")
    assert spec is not None and spec.origin is not None
    (folder / "packages" / "obstore").symlink_to(Path(spec.origin).parent)
    return folder


def start(alone: Path, folder: Path, deed: str, *more: str, **settings: str) -> subprocess.Popen[str]:
    """The worker by itself: no site packages, another working directory, no setting of ours."""
    said = {f"DOCSERVER_{name.upper()}": value for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, "-S", "-m", "docserver", deed, "--folder", str(folder), *more], cwd=folder, text=True,
        env={**CLEAN, "PYTHONPATH": str(alone / "packages"), **said}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_the_wheel_runs_by_itself_and_converts(alone: Path, tmp_path: Path, has_office: None) -> None:  # noqa: F811
    server, docx = DocServer((tmp_path / "store").as_uri()), render("delivery_letter", sample_values())
    name = job_name("order-1", docx)
    hand_in(server, name, docx)

    done = start(alone, tmp_path, "once", "--converter", "libreoffice", url=server.url)
    _, said = done.communicate(timeout=120)

    assert done.returncode == 0, said
    found = result_of(server, name, docx)
    assert found is not None and found.pages == 1


def test_the_wheel_says_what_it_holds_and_is_the_same_each_time(alone: Path, tmp_path: Path) -> None:
    [wheel] = (alone / "built").glob("*.whl")
    again = build(tmp_path)

    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        [record] = [name for name in archive.namelist() if name.endswith("/RECORD")]
        for line in archive.read(record).decode().splitlines()[:-1]:
            name, digest, size = line.rsplit(",", 2)
            content = archive.read(name)
            counted = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={counted}", str(len(content)))
        for module in PROTOCOL:
            assert archive.read(f"pw_pipelines/{module}.py") == (ROOT / "pw_pipelines" / f"{module}.py").read_bytes()


def test_a_second_worker_ends_at_once_and_a_killed_ones_lock_is_free(alone: Path, tmp_path: Path) -> None:
    first = Single(tmp_path / "state")
    assert first.take()

    second = start(alone, tmp_path, "run", "--converter", "libreoffice", url=(tmp_path / "store").as_uri())
    _, said = second.communicate(timeout=30)

    assert second.returncode == 3
    assert str(os.getpid()) in said
    first.release()
    assert Single(tmp_path / "state").take()


def test_a_stopped_worker_says_so_and_ends_with_zero(alone: Path, tmp_path: Path) -> None:
    server = DocServer((tmp_path / "store").as_uri())
    worker = start(
        alone, tmp_path, "run", "--converter", "libreoffice", url=server.url, poll_seconds="0.1", beat_seconds="0.2"
    )
    until = time.monotonic() + 20
    while not server.worker_alive(300) and time.monotonic() < until:
        time.sleep(0.05)
    assert server.worker_alive(300)

    worker.terminate()
    _, said = worker.communicate(timeout=20)

    assert worker.returncode == 0, said
    beat = server.heartbeat()
    assert beat is not None and beat.trouble == "stopped"
    assert not server.worker_alive(300)
    assert "ended" in (tmp_path / "state" / "logs" / "worker.log").read_text()


def test_doctor_says_what_it_found(alone: Path, tmp_path: Path, has_office: None) -> None:  # noqa: F811
    server = DocServer((tmp_path / "store").as_uri())
    server.beat(Heartbeat("machine/1/a", 1, now_text(), "0.1", "16.0", trouble="Word does not start"))

    here = start(alone, tmp_path, "doctor", "--converter", "libreoffice", url=server.url)
    said, _ = here.communicate(timeout=30)
    word = start(alone, tmp_path, "doctor", url=server.url)
    word_said, _ = word.communicate(timeout=30)

    assert here.returncode == 0
    assert "takes, gives and deletes" in said and "clock         +0 s" in said.replace("-0 s", "+0 s")
    assert "Word does not start" in said
    assert word.returncode == 1
    assert "pywin32 is not here" in word_said


def test_settings_come_from_the_file_and_variables_win(tmp_path: Path) -> None:
    (tmp_path / "docserver.toml").write_text(
        '\ufeffurl = "s3://office/x"\nendpoint = "http://a"\naccess_key_id = "id"\nsecret_file = "secret.txt"\n'
    )
    (tmp_path / "secret.txt").write_text("the-secret\n")

    made = load(tmp_path, {"DOCSERVER_ENDPOINT": "http://b", "DOCSERVER_LIMIT_SECONDS": "60"})

    assert (made.url, made.limit_seconds) == ("s3://office/x", 60.0)
    assert made.store_options() == {
        "endpoint": "http://b", "region": "us-east-1", "access_key_id": "id", "secret_access_key": "the-secret",
    }  # fmt: skip
    assert "the-secret" not in repr(made)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "No object store"),
        ('url = "s3://x"\nsecret = "y"', "nobody knows"),
        ('url = "s3://x"\nlimit_seconds = "soon"', "no number"),
        ('url = "s3://x"\nlimit_seconds = 300', "less than stale_seconds"),
        ('url = "s3://x"\nsecret_file = "none.txt"', "can't be read"),
        ("url = ", "can't be read"),
    ],
)
def test_wrong_settings_are_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "docserver.toml").write_text(text)

    with pytest.raises(ConfigError, match=said):
        load(tmp_path, {})


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:///D:/doc%20server", "D:\\doc server"),
        ("file://files/office/docs", "\\\\files\\office\\docs"),
    ],
)
def test_folders_of_windows_are_understood(url: str, folder: str) -> None:
    assert str(folder_of(url, windows=True)) == folder


def test_the_task_heals_itself_and_is_never_two() -> None:
    task = etree.parse(INSTALL / "task.xml").getroot()
    text = {element.tag.removeprefix(NS): (element.text or "").strip() for element in task.iter(tag=etree.Element)}

    def of(path: str) -> str | None:
        return task.findtext("/".join(NS + part for part in path.split("/")))

    assert of("Settings/MultipleInstancesPolicy") == "IgnoreNew"
    assert (of("Settings/RestartOnFailure/Interval"), of("Settings/RestartOnFailure/Count")) == ("PT1M", "99")
    assert of("Settings/ExecutionTimeLimit") == "PT0S"
    assert (of("Settings/StartWhenAvailable"), of("Settings/DisallowStartIfOnBatteries")) == ("true", "false")
    assert of("Triggers/TimeTrigger/Repetition/Interval") == "PT5M"
    assert of("Triggers/TimeTrigger/Repetition/Duration") is None, "without an end"
    assert of("Triggers/BootTrigger/Enabled") == of("Triggers/LogonTrigger/Enabled") == "true"
    assert of("Principals/Principal/LogonType") == "InteractiveToken", "Word needs a desktop"
    assert text["Command"] == "%FOLDER%\\run.cmd"


# Microsoft's task schema 1.2 (MS-TSCH 2.5): what may stand in what; of the triggers in this order.
KNOWN = {
    "Task": "RegistrationInfo Triggers Settings Data Principals Actions",
    "RegistrationInfo": "URI SecurityDescriptor Source Date Author Version Description Documentation",
    "Triggers": "BootTrigger RegistrationTrigger IdleTrigger TimeTrigger EventTrigger LogonTrigger SessionStateChangeTrigger CalendarTrigger WnfStateChangeTrigger",  # noqa: E501
    "BootTrigger": "Enabled StartBoundary EndBoundary Repetition ExecutionTimeLimit Delay",
    "LogonTrigger": "Enabled StartBoundary EndBoundary Repetition ExecutionTimeLimit UserId Delay",
    "TimeTrigger": "Enabled StartBoundary EndBoundary Repetition ExecutionTimeLimit RandomDelay",
    "Repetition": "Interval Duration StopAtDurationEnd",
    "Principals": "Principal",
    "Principal": "UserId LogonType GroupId DisplayName RunLevel ProcessTokenSidType RequiredPrivileges",
    "Settings": "AllowStartOnDemand RestartOnFailure MultipleInstancesPolicy DisallowStartIfOnBatteries StopIfGoingOnBatteries AllowHardTerminate StartWhenAvailable NetworkProfileName RunOnlyIfNetworkAvailable WakeToRun Enabled Hidden DeleteExpiredTaskAfter IdleSettings NetworkSettings ExecutionTimeLimit Priority RunOnlyIfIdle",  # noqa: E501
    "RestartOnFailure": "Interval Count",
    "Actions": "Exec ComHandler SendEmail ShowMessage",
    "Exec": "Command Arguments WorkingDirectory",
}


def test_the_task_holds_only_what_the_schema_knows() -> None:
    for element in etree.parse(INSTALL / "task.xml").getroot().iter(tag=etree.Element):
        name, inside = element.tag.removeprefix(NS), [one.tag.removeprefix(NS) for one in element]
        allowed = KNOWN.get(name, "").split()
        assert set(inside) <= set(allowed), name
        if name.endswith("Trigger") or name in {"Repetition", "Exec"}:
            assert inside == sorted(inside, key=allowed.index), f"{name}: the order counts"


def test_the_wrapper_passes_the_workers_exit_code_on_and_keeps_it() -> None:
    content = (INSTALL / "run.cmd").read_bytes()
    lines = content.decode("ascii").split("\r\n")

    assert content.count(b"\n") == content.count(b"\r\n")
    [runs] = [number for number, line in enumerate(lines) if "-m docserver run" in line]
    assert lines[runs + 1 : runs + 4] == [
        "set CODE=%ERRORLEVEL%", "echo %DATE% %TIME% exit %CODE%>>state\\logs\\exits.log", "exit /b %CODE%",
    ]  # fmt: skip


def test_the_lock_names_its_holder(tmp_path: Path) -> None:
    single = Single(tmp_path)
    assert single.take()

    assert json.loads(single.who())["pid"] == os.getpid()
    single.release()
