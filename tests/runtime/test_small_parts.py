"""Ports, logs, redaction, the browser, and CI's rule that nothing is skipped."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pw_pipelines.errors import ConfigError
from pw_pipelines.logs import redact, redact_event
from pw_pipelines.runtime import browser
from pw_pipelines.runtime import ports as ports_module
from pw_pipelines.runtime.logs import ProcessLog
from pw_pipelines.runtime.ports import Ports, is_free
from pw_pipelines.settings import PROJECT_ROOT


@pytest.fixture
def listening() -> tuple[socket.socket, int]:
    """A port somebody listens on, even one that lets others share it."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    server.bind(("127.0.0.1", 0))
    server.listen()
    return server, int(server.getsockname()[1])


def test_a_taken_port_is_passed_over(listening: tuple[socket.socket, int]) -> None:
    server, port = listening
    ports = Ports("127.0.0.1")
    assert not is_free("127.0.0.1", port)
    assert ports.take(port) > port
    ports.close()
    server.close()


def test_a_port_promised_to_a_process_that_does_not_listen_yet_is_not_promised_again() -> None:
    one, two = Ports("127.0.0.1"), Ports("127.0.0.1")
    first = one.take(42_100)
    assert two.take(first) > first
    one.close()
    assert two.take(first) == first
    two.close()


def test_a_promised_port_is_not_even_tried_by_others_for_the_trial_would_fail_the_server_it_was_promised_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[int] = []
    monkeypatch.setattr(ports_module, "is_free", lambda host, port: tried.append(port) or is_free(host, port))
    one, two = Ports("127.0.0.1"), Ports("127.0.0.1")
    first = one.take(42_150)
    two.take(first)
    assert tried.count(first) == 1
    one.close()
    two.close()


def test_without_a_free_port_the_settings_to_change_are_named() -> None:
    with pytest.raises(ConfigError, match="PW_WEB_PORT"):
        Ports("192.0.2.1").take(42_000)  # an address this machine does not have


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("to postgresql://pw:a%21b@c$d@127.0.0.1:5432/pw now", "to postgresql://pw:***@127.0.0.1:5432/pw now"),
        ("mail to joe.o'neil+x@carrier.example bounced", "mail to ***@carrier.example bounced"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("GET https://api.example/x?api_key=K1&y=2", "GET https://api.example/x?api_key=***&y=2"),
        ("POST https://t.example/bot123:AbC_d-e/sendMessage", "POST https://t.example/bot***/sendMessage"),
        ("rows 11,190 of FRN 0021441233", "rows 11,190 of FRN 0021441233"),
    ],
)
def test_no_secret_and_no_ones_address_is_logged(said: str, shown: str) -> None:
    assert redact(said) == shown


def test_what_stands_under_a_secrets_name_is_not_logged_however_deep() -> None:
    event = {"event": "start", "n": 3, "listmonk_token": "t0p", "request": {"password": "p", "to": ["a@b.example"]}}
    assert redact_event(None, "info", event) == {
        "event": "start",
        "n": 3,
        "listmonk_token": "***",
        "request": {"password": "***", "to": ["***@b.example"]},
    }


def test_a_librarys_log_goes_to_stderr_redacted_traceback_included(capfd: pytest.CaptureFixture[str]) -> None:
    code = (
        "from pw_pipelines import logs; import logging; logs.configure()\n"
        "try: raise ValueError('postgresql://u:secret@h/d')\n"
        "except ValueError: logging.getLogger('lib').exception('failed for joe@x.example')\n"
        "logs.get_logger('room').info('done', token='secret')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT_ROOT)
    out, err = capfd.readouterr()
    assert out == ""
    assert "secret" not in err
    assert "joe" not in err
    assert "***@x.example" in err
    assert "done" in err


def test_where_no_door_configured_the_logs_a_traceback_shows_no_variables(capfd: pytest.CaptureFixture[str]) -> None:
    code = (
        "from pw_pipelines.compliance.live import log\n"
        "def fail(told): raise ValueError('broke')\n"
        "try: fail('what a customer told us')\n"
        "except ValueError: log.exception('failed for joe@x.example')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT_ROOT)
    out, err = capfd.readouterr()
    assert out == ""
    assert "ValueError: broke" in err
    assert "told us" not in err.replace("fail('what a customer told us')", "")
    assert "***@x.example" in err


def test_a_log_is_rotated_by_size_while_its_process_goes_on_writing(tmp_path: Path) -> None:
    log = ProcessLog(tmp_path, "child")
    with log.open() as child:
        for number in range(4):
            child.write(f"line {number}\n".encode() * 100)
            assert log.rotate(most_bytes=100)
        child.write(b"\x1b[32mlast words to joe@x.example\x1b[0m\n")
    assert log.tail() == "last words to ***@x.example"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["child.log", "child.log.1", "child.log.2"]
    assert (tmp_path / "child.log.1").read_text().startswith("line 3")
    assert not log.rotate(most_bytes=10_000)


def test_a_wrapper_that_does_not_start_is_no_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = tmp_path / "chromium"
    wrapper.write_text("#!/bin/sh\necho 'requires the chromium snap' >&2; exit 1\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "none"))
    assert browser.chromium_path() is None
    build = tmp_path / "fetched" / "chromium-1" / "chrome-linux" / "chrome"
    build.parent.mkdir(parents=True)
    build.write_text("#!/bin/sh\nexit 0\n")
    build.chmod(0o755)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "fetched"))
    assert browser.chromium_path() == build


def test_the_shell_without_windows_is_taken_before_the_whole_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("chromium", "chromium-headless-shell"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.chromium_path() == tmp_path / "chromium-headless-shell"
    (tmp_path / "chromium-headless-shell").write_text("#!/bin/sh\nexit 1\n")
    assert browser.chromium_path() == tmp_path / "chromium"


@pytest.mark.parametrize(("ci", "expected"), [("true", "1 error"), ("", "1 skipped")])
def test_in_ci_a_skipped_test_is_a_failed_one(tmp_path: Path, ci: str, expected: str) -> None:
    (tmp_path / "test_it.py").write_text("import pytest\n@pytest.mark.skip('no browser')\ndef test_x(): pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.no_skips", "-p", "no:cacheprovider", "--rootdir", ".", "."],
        cwd=tmp_path, env={**os.environ, "CI": ci, "PYTHONPATH": str(PROJECT_ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert expected in done.stdout
    assert ("no browser" in done.stdout) == bool(ci)


def test_configuring_twice_does_not_double_the_lines(capfd: pytest.CaptureFixture[str]) -> None:
    code = "from pw_pipelines import logs; logs.configure(); logs.configure(); import logging; logging.warning('once')"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT_ROOT)
    assert capfd.readouterr().err.count("once") == 1
    assert logging.getLogger().level != logging.NOTSET
