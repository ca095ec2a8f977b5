"""`python -m docserver run | once | doctor`, in the folder of docserver.toml."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from logging.handlers import RotatingFileHandler
from pathlib import Path

from docserver.settings import WorkerSettings, load
from docserver.single import Single
from pw_pipelines.documents.docserver import PROTOCOL, DocServer
from pw_pipelines.documents.word_worker import Worker
from pw_pipelines.errors import ConfigError, OutsideRefused, OutsideUnavailable, PwError

EXIT_FAILED, EXIT_SETTINGS, EXIT_ANOTHER, EXIT_REFUSED = 1, 2, 3, 4  # 75: word.EXIT_STUCK
LOG_BYTES, LOGS = 2_000_000, 5
CONVERTERS = ("word", "libreoffice")
log = logging.getLogger("docserver")


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 done, 1 failed, 2 settings, 3 another one works, 4 the store refuses us, 75 Word was stuck."""
    parser = argparse.ArgumentParser(prog="docserver", description=__doc__)
    parser.add_argument("deed", choices=("run", "once", "doctor"))
    parser.add_argument("--converter", choices=CONVERTERS, default="word", help="libreoffice: Linux, to try it out")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where docserver.toml is")
    asked = parser.parse_args(arguments)
    try:
        settings = load(asked.folder.resolve())
        if asked.deed == "doctor":
            from docserver.doctor import tell

            return tell(settings, asked.converter)
        return work(settings, asked.converter, once=asked.deed == "once")
    except ConfigError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return EXIT_SETTINGS


def work(settings: WorkerSettings, converter: str, *, once: bool) -> int:
    """Works until it is ended, or what waits now."""
    state = Path(settings.state)
    single = Single(state, whole_session=converter == "word" and os.name == "nt")
    if not single.take():
        sys.stderr.write(f"Another worker is at it: {single.who()}.\n")
        return EXIT_ANOTHER
    _log_to(state / "logs")
    close: Callable[[], None] = lambda: None  # noqa: E731 - until there is something to close
    try:
        worker, close = made_worker(settings, converter)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stopping.set())
        log.info("%s works for %s", worker.name, settings.url)
        if once:
            worker.ready()
            worker.run_once()
        else:
            worker.run()
    except ConfigError:
        raise
    except OutsideRefused as refused:
        log.error("%s", refused)  # noqa: TRY400 - a sentence for a person
        return EXIT_REFUSED
    except OutsideUnavailable as away:
        log.error("%s", away)  # noqa: TRY400
        return EXIT_FAILED
    except Exception:
        log.exception("the worker fails")
        return EXIT_FAILED
    finally:
        with suppress(PwError):
            close()
        single.release()
    log.info("ended")
    return 0


def made_worker(settings: WorkerSettings, converter: str) -> tuple[Worker, Callable[[], None]]:
    """A worker, and what ends its Word."""
    server = DocServer(settings.url, settings.store_options())
    place = Path(settings.state) / "work"

    def made(convert: Callable[[bytes], bytes], version_of_word: str) -> Worker:
        return Worker(
            server, convert, word_version=version_of_word, version=own_version(), stale_seconds=settings.stale_seconds,
            poll_seconds=settings.poll_seconds, beat_seconds=settings.beat_seconds,
        )  # fmt: skip

    if converter == "libreoffice":
        from pw_pipelines.documents.office import WarmOffice

        office = WarmOffice(own_folder(place))
        return made(office.to_pdf, "LibreOffice in Word's place"), office.stop
    from docserver.windows import WindowsCom
    from docserver.word import Word

    word = Word(
        WindowsCom(), place, limit_seconds=settings.limit_seconds, documents_per_word=settings.documents_per_word
    )
    worker = made(word.to_pdf, word.version)

    def ready() -> None:
        word.start()
        worker.word_version = word.version

    worker.ready = ready
    return worker, word.close


def own_folder(place: Path) -> Path:
    """A folder of this user alone for LibreOffice."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place.resolve()


def own_version() -> str:
    """The wheel's, or the protocol's where it was not installed."""
    try:
        return version("pw-docserver")
    except PackageNotFoundError:
        return f"protocol {PROTOCOL}"


def _log_to(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    form = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    kept = RotatingFileHandler(folder / "worker.log", maxBytes=LOG_BYTES, backupCount=LOGS, encoding="utf-8")
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for handler in (kept, logging.StreamHandler()):
        handler.setFormatter(form)
        root.addHandler(handler)


if __name__ == "__main__":
    sys.exit(main())
