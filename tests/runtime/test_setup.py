"""tools/setup.sh on a machine that lacks things: gets them once, or says in one line what to type."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pw_pipelines.settings import PROJECT_ROOT

ORDINARY = "bash chmod env find cat sha256sum touch mkdir rm dirname id grep timeout sleep".split()
UV = """#!/bin/sh
echo "uv $*" >> calls
[ "$1" = sync ] && mkdir -p .venv/bin && printf '#!/bin/sh\\nexit %s\\n' "${FOUND:-0}" > .venv/bin/python
chmod +x .venv/bin/python 2>/dev/null
exit 0
"""


class Machine:
    """A checkout's skeleton and a PATH with only what is put there."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.path = folder / "check out", folder / "bin"
        (self.checkout / "tools").mkdir(parents=True)
        self.path.mkdir()
        shutil.copy(PROJECT_ROOT / "tools" / "setup.sh", self.checkout / "tools")
        (self.checkout / "pw_pipelines" / "native").mkdir(parents=True)
        for name in ("uv.lock", "pyproject.toml", "hatch_build.py", "pw_pipelines/native/words.pyx"):
            (self.checkout / name).write_text(name)
        for name in ORDINARY:
            self.program(name, f'#!/bin/sh\nexec {shutil.which(name)} "$@"\n')
        self.program("python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')

    def program(self, name: str, text: str) -> None:
        """Puts a program on the PATH. Never a link: writing to one would change the machine's own program."""
        place = self.path / name
        place.unlink(missing_ok=True)
        with place.open("x") as file:
            file.write(text)
        place.chmod(0o755)

    def tool(self, place: str, *names: str) -> None:
        """Programs that an earlier setup unpacked below .pw/tools."""
        folder = self.checkout / ".pw" / "tools" / place
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text("#!/bin/sh\n")
            (folder / name).chmod(0o755)

    def set_up(self) -> subprocess.CompletedProcess[str]:
        variables = {"PATH": str(self.path), "HOME": str(self.checkout), "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            [str(self.checkout / "tools" / "setup.sh")], env=variables,
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def calls(self) -> list[str]:
        log = self.checkout / "calls"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_packages_are_installed_as_locked_and_only_when_the_lock_or_what_is_compiled_changed(machine: Machine) -> None:
    machine.program("uv", UV)
    for name in ("soffice", "mariadbd", "mariadb-dump", "rsync", "ssh", "sshd", "age"):
        machine.program(name, "#!/bin/sh\n")
    machine.tool("prometheus/usr/bin", "promtool", "amtool", "prometheus-blackbox-exporter")
    assert machine.set_up().returncode == 0
    assert sum("sync --frozen" in call for call in machine.calls()) == 1
    assert machine.set_up().stderr == "", "nothing to do, nothing to say"
    assert sum("sync" in call for call in machine.calls()) == 1
    for count, changed in enumerate(("uv.lock", "pw_pipelines/native/words.pyx"), 2):
        (machine.checkout / changed).write_text("changed")
        machine.set_up()
        assert sum("sync" in call for call in machine.calls()) == count, changed


def test_without_any_way_to_get_uv_it_stops_and_says_what_to_type(machine: Machine) -> None:
    machine.program("python3", f'#!/bin/sh\ncase "$*" in *-m*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    done = machine.set_up()
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr


def test_without_a_python_it_stops_and_says_so(machine: Machine) -> None:
    machine.program("python3", "#!/bin/sh\nexit 1\n")
    done = machine.set_up()
    assert done.returncode == 1
    assert "no Python 3.11 or newer" in done.stderr


def test_what_may_not_be_installed_is_named_once_and_does_not_stop_the_rest(machine: Machine) -> None:
    machine.program("uv", UV)
    machine.program("id", "#!/bin/sh\necho 1000\n")
    machine.program("sudo", "#!/bin/sh\nexit 1\n")
    machine.program("apt-get", "#!/bin/sh\necho apt-get >> calls\n")
    done = machine.set_up()
    assert done.returncode == 0
    assert "LibreOffice could not be installed here" in done.stderr
    assert "sudo apt-get install libreoffice-writer" in done.stderr
    assert "apt-get" not in machine.calls(), "without a silent sudo it does not try"


def test_as_root_apt_is_asked_without_questions_and_a_failure_is_not_repeated_at_every_start(machine: Machine) -> None:
    machine.program("uv", UV)
    machine.program("id", "#!/bin/sh\necho 0\n")
    machine.program("sshd", "#!/bin/sh\n")
    machine.program("apt-get", '#!/bin/sh\necho "$DEBIAN_FRONTEND apt-get $*" >> calls\nexit 100\n')
    assert machine.set_up().returncode == 0
    asked = [call for call in machine.calls() if "apt-get" in call]
    assert asked == [
        " apt-get -q update",
        "noninteractive apt-get -q install -y --no-install-recommends libreoffice-writer "
        "python3-uno fonts-liberation fonts-dejavu-core",
        "noninteractive apt-get -q install -y --no-install-recommends mariadb-server-core mariadb-client rsync "
        "openssh-client age",
    ]
    again = machine.set_up()
    assert "tried within the last day" in again.stderr
    assert [call for call in machine.calls() if "apt-get" in call] == asked


def test_without_a_compiler_it_gets_one_and_otherwise_says_what_is_slower(machine: Machine) -> None:
    machine.program("uv", UV.replace("exit %s", 'case \\"$*\\" in *IS_COMPILED*) exit 1;; esac'))
    machine.program("id", "#!/bin/sh\necho 0\n")
    machine.program("apt-get", '#!/bin/sh\necho "apt-get $*" >> calls\ncase "$*" in *gcc*) exit 0;; esac\nexit 100\n')
    done = machine.set_up()
    assert done.returncode == 0
    assert "a C compiler could not be installed here; registers of companies take two and a half" in done.stderr
    assert [call for call in machine.calls() if "gcc" in call or "reinstall" in call] == [
        "apt-get -q install -y --no-install-recommends gcc libc6-dev",
        "uv sync --frozen --quiet --reinstall-package pw-pipelines",
    ]
    machine.program("cc", "#!/bin/sh\n")
    machine.set_up()
    compiled = "uv sync --frozen --quiet --reinstall-package pw-pipelines"
    assert machine.calls()[-1] == compiled, "one that is there is used at once, not after a day"
