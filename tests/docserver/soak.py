"""Customers' documents through real workers that are killed, frozen and cut off from the store.

    python -m tests.docserver.soak [--documents 200] [--store s3|folder] [--seed 1]

Each document has a number of its own in its text. From the customer's view it must be made exactly once: one answer, a
PDF with that number, and what stands in the store afterwards is nobody's.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.request import Request, urlopen

from docserver.build import ROOT
from pw_pipelines.documents.converting import Converter
from pw_pipelines.documents.docserver import DocServer
from pw_pipelines.documents.office import WarmOffice
from pw_pipelines.documents.rendering import render
from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.settings import Settings
from tests.documents.conftest import text_of_pdf
from tests.documents.samples import sample_values

STALE, CUSTOMERS = 4.0, 4
log = logging.getLogger(__name__)


class Cable:
    """A TCP way to the store that can be pulled out."""

    def __init__(self, port: int) -> None:
        self.to, self.pulled = port, threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        if self.pulled.is_set():
            near.close()
            return
        try:
            with near, socket.create_connection(("127.0.0.1", self.to)) as far:
                while not self.pulled.is_set():
                    for one in select.select([near, far], [], [], 0.05)[0]:
                        content = one.recv(1 << 16)
                        if not content:
                            return
                        (far if one is near else near).sendall(content)
        except OSError:
            return


class Machine:
    """The worker's machine: `python -m docserver run` in a process of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder, self.starts = folder, 0
        self.environment = {
            **os.environ, "DOCSERVER_URL": url, "DOCSERVER_STALE_SECONDS": str(STALE), "DOCSERVER_POLL_SECONDS": "0.1",
            "DOCSERVER_BEAT_SECONDS": "0.4", "DOCSERVER_LIMIT_SECONDS": str(STALE / 2),
        }  # fmt: skip
        self.start()

    def start(self) -> None:
        self.starts += 1
        self.process = subprocess.Popen(
            [sys.executable, "-m", "docserver", "run", "--converter", "libreoffice", "--folder", str(self.folder)],
            env=self.environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        WarmOffice(self.folder / "state" / "work").stop()


def break_things(machine: Machine, cable: Cable | None, stop: threading.Event, chance: random.Random) -> Counter[str]:
    """Until `stop`: kills, freezes, cuts. Returns what was done how often."""
    done: Counter[str] = Counter()
    while not stop.wait(chance.uniform(1.0, 3.0)):
        deed = chance.choice(["kill", "freeze", "cut"] if cable else ["kill", "freeze"])
        done[deed] += 1
        if deed == "kill":
            machine.process.kill()
            machine.process.wait()
            stop.wait(chance.choice([0.0, 1.0, STALE + 1.5]))
            machine.start()
        elif deed == "freeze":  # it wakes around the edge, and goes on where it was
            machine.process.send_signal(signal.SIGSTOP)
            stop.wait(STALE + chance.uniform(-0.5, 1.5))
            machine.process.send_signal(signal.SIGCONT)
        elif cable:
            cable.pulled.set()
            stop.wait(chance.uniform(0.5, 3.0))
            cable.pulled.clear()
    if cable:
        cable.pulled.clear()
    return done


def soak(url: str, folder: Path, documents: int, seed: int, cable: Cable | None) -> dict[str, object]:
    """What came of it, as counts."""
    settings = Settings(home=folder / "home", docserver_url=url)
    machine = Machine(url, folder / "machine")
    waiting = list(range(documents))
    answers: Counter[int] = Counter()
    ways: Counter[str] = Counter()
    wrong: list[int] = []
    away = [0]
    lock, stop = threading.Lock(), threading.Event()

    def customer() -> None:
        converter = Converter(settings)
        converter.stale_seconds = STALE
        while True:
            with lock:
                if not waiting:
                    return
                number = waiting.pop()
            mark = f"PW-2026-{number:05d}"
            docx = render("delivery_letter", sample_values(order_number=mark))
            while True:
                try:
                    made = converter.to_pdf(docx, mark)
                    break
                except OutsideUnavailable:  # a run waits at its gate and comes again
                    away[0] += 1
                    time.sleep(0.3)
            with lock:
                answers[number] += 1
                ways[made.converted_by] += 1
                if mark not in text_of_pdf(made.pdf):
                    wrong.append(number)

    done: list[Counter[str]] = []
    breaking = threading.Thread(target=lambda: done.append(break_things(machine, cable, stop, random.Random(seed))))
    began = time.monotonic()
    try:
        server = DocServer(url)
        while not server.worker_alive(STALE) and time.monotonic() - began < 30:
            time.sleep(0.1)
        breaking.start()
        customers = [threading.Thread(target=customer) for _ in range(CUSTOMERS)]
        for one in customers:
            one.start()
        for one in customers:
            one.join()
        seconds = time.monotonic() - began
        stop.set()
        breaking.join()
        time.sleep(2.0)
        left = {name: len(server.names(name)) for name in ("to-convert", "converted", "failed", "claims")}
    finally:
        stop.set()
        machine.end()
        WarmOffice(folder / "home" / "office").stop()
    return {
        "documents": documents, "answered_once": sum(count == 1 for count in answers.values()), "wrong": wrong,
        "ways": dict(ways), "broken": dict(done[0]), "worker_starts": machine.starts, "store_was_away": away[0],
        "left": left, "seconds": round(seconds, 1),
    }  # fmt: skip


def soak_s3(folder: Path, documents: int, seed: int) -> dict[str, object]:
    """Over moto's S3, through a cable that is pulled. Sets AWS_* in this process."""
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    try:
        cable = Cable(moto.get_host_and_port()[1])
        address = f"http://127.0.0.1:{cable.port}"
        os.environ |= {
            "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": "us-east-1", "NO_PROXY": "127.0.0.1",
        }  # fmt: skip
        with urlopen(Request(f"{address}/soak", method="PUT")):
            pass
        return soak("s3://soak/office", folder, documents, seed, cable)
    finally:
        moto.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--store", choices=("s3", "folder"), default="s3")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="pw-soak-", ignore_cleanup_errors=True) as place:
        if asked.store == "s3":
            said = soak_s3(Path(place), asked.documents, asked.seed)
        else:
            said = soak((Path(place) / "store").as_uri(), Path(place), asked.documents, asked.seed, None)
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
