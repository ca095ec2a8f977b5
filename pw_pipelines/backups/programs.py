"""Running the programs of a dump: output to a file, never through a pipe; every exit code looked at; a time limit."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pw_pipelines.backups.model import BackupError

_TAIL = 1_500


@dataclass(frozen=True)
class Done:
    """How a program ended: its exit code (negative: the signal that ended it) and the last it said."""

    code: int
    said: str


class ProgramFailed(BackupError):
    """A program ended with another code than 0. `done` says how."""

    def __init__(self, what: str, done: Done) -> None:
        ended = f"exit code {done.code}" if done.code >= 0 else f"killed by signal {-done.code}"
        super().__init__(f"{what} failed ({ended}): {done.said or 'it said nothing'}")
        self.done = done


def run(
    command: Sequence[str | Path], *, what: str, seconds: float, output: Path | None = None,
    environment: Mapping[str, str] | None = None, folder: Path | None = None,
) -> Done:  # fmt: skip
    """Runs `command` to its end; its output goes to the new file `output`, or nowhere.

    It sees of our environment only where programs and homes are: no secret of ours. Raises ProgramFailed for any exit
    code but 0, BackupError when it is not installed or takes longer than `seconds` (its whole group is ended then).
    """
    done = ask(command, what=what, seconds=seconds, output=output, environment=environment, folder=folder)
    if done.code:
        raise ProgramFailed(what, done)
    return done


def ask(
    command: Sequence[str | Path], *, what: str, seconds: float, output: Path | None = None,
    environment: Mapping[str, str] | None = None, folder: Path | None = None,
) -> Done:  # fmt: skip
    """Like `run`, for a caller who reads the exit code."""
    seen = {name: os.environ[name] for name in ("PATH", "HOME", "USER", "TMPDIR") if name in os.environ}
    with tempfile.TemporaryFile() as errors, _sink(output) as sink:
        try:
            process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=sink, stderr=errors, cwd=folder,
                env={**seen, "LC_ALL": "C.UTF-8", **(environment or {})}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise BackupError(
                f"{what}: {command[0]} cannot be run ({error.strerror}); `pw doctor` says more."
            ) from None
        try:
            code = process.wait(timeout=seconds)
        except BaseException as error:
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise BackupError(f"{what} took longer than {seconds:,.0f} s and was ended.") from None
            raise
        errors.seek(0, os.SEEK_END)
        errors.seek(max(0, errors.tell() - _TAIL))
        said = errors.read().decode(errors="replace").strip()
    return Done(code, said)


def version_of(program: str | Path) -> str:
    """The first line of `program --version`. Raises BackupError when it cannot be run."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "version"
        run([program, "--version"], what=f"{Path(program).name} --version", seconds=30, output=output)
        return (output.read_text(errors="replace").strip().splitlines() or ["unknown"])[0]


def _sink(output: Path | None) -> IO[bytes]:
    if output is None:
        return Path(os.devnull).open("wb")
    return os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()
