"""A real Dagster in a temporary home: code server, webserver, daemon, with jobs made for being started and killed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from pw_pipelines.launcher import door, workers
from pw_pipelines.runtime import processes
from pw_pipelines.runtime.dagster_api import FINISHED, DagsterApi
from pw_pipelines.runtime.plan import _workspace
from pw_pipelines.runtime.ports import Ports
from pw_pipelines.runtime.processes import Child, Program, await_health
from pw_pipelines.runtime.stack import databases, environment, prepare_dagster_home
from pw_pipelines.settings import Settings

MODULE = "launched_jobs"
WAIT_SECONDS = 12.0  # of a worker for its next run: a busy machine takes its time to ask for it
JOBS = """
import logging, os, resource, signal, subprocess, sys, threading, time
import dagster as dg
from pw_pipelines.masking import mask, never_say

OPENED = []

@dg.op
def speak(context):
    print("said aloud")
    sys.stderr.write("said aside\\n")
    context.log.info("this is edition EDITION")

@dg.op(config_schema={"seconds": float})
def sleep(context):
    subprocess.Popen(["sleep", "600"])
    time.sleep(context.op_config["seconds"])

@dg.op
def ignore():
    until = time.monotonic() + 600
    while time.monotonic() < until:
        try:
            time.sleep(0.1)
        except BaseException:
            pass

@dg.op(config_schema={"seconds": float, "leaves": str})
def rest(context):
    time.sleep(context.op_config["seconds"])
    leaves = context.op_config["leaves"]
    if leaves == "failure":
        raise ValueError("it fails")
    if leaves == "thread":
        threading.Thread(target=time.sleep, args=(1.0,)).start()
    if leaves == "process":
        subprocess.Popen(["sleep", "600"])

@dg.op(config_schema={"what": str})
def leave(context):
    what = context.op_config["what"]
    if what == "environment": os.environ["LEFT"] = "left"
    if what == "directory": os.chdir("/")
    if what == "umask": os.umask(0)
    if what == "deaf": signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    if what == "blocked": signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    if what == "alarm": signal.alarm(2)
    if what == "limit": resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, resource.RLIM_INFINITY))
    if what == "files": OPENED.extend(open("/dev/null") for _ in range(200))
    if what == "handler": logging.getLogger("pw_pipelines").addHandler(logging.NullHandler())
    if what == "private": never_say("Springfield")
    if what == "daemon":  # by the book: fork, session, fork, no exec
        pid = os.fork()
        if pid == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(60)
            os._exit(0)
        os.waitpid(pid, 0)

@dg.op
def look(context):
    umask = os.umask(0)
    os.umask(umask)
    found = {
        "environment": os.environ.get("LEFT"), "directory": os.getcwd() == "/", "umask": umask == 0,
        "deaf": signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN,
        "blocked": bool(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "alarm": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        "limit": resource.getrlimit(resource.RLIMIT_FSIZE)[0] == 1 << 30,
        "files": len(os.listdir("/proc/self/fd")) > 200,
        "handler": any(isinstance(one, logging.NullHandler) for one in logging.getLogger("pw_pipelines").handlers),
        "private": mask("Springfield") != "Springfield",
    }
    context.log.info("finds " + (", ".join(name for name, is_there in found.items() if is_there) or "nothing"))

@dg.job
def speaks(): speak()

@dg.job
def sleeps(): sleep()

@dg.job
def ignores(): ignore()

@dg.job(tags={"pw/background": "true"})
def stands_back(): sleep()

@dg.job(tags={"pw/succession": "true"})
def speaks_on(): speak()

@dg.job(tags={"pw/succession": "true"})
def rests_on(): rest()

@dg.job(tags={"pw/succession": "true"})
def leaves_on(): leave()

@dg.job(tags={"pw/succession": "true"})
def looks_on(): look()

jobs = [speaks, sleeps, ignores, stands_back, speaks_on, rests_on, leaves_on, looks_on]
defs = dg.Definitions(jobs=jobs, executor=dg.in_process_executor)
"""
TERMINATE = """
mutation Terminate($id: String!) { terminateRun(runId: $id) { __typename ... on PythonError { message } } }
"""
EVENTS = """
query Events($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events { __typename
  ... on MessageEvent { message } } } } }
"""


@dataclass
class House:
    """The running house, and what tests ask of it."""

    home: Path
    source: Path
    api: DagsterApi

    @property
    def place(self) -> Path:
        return door.folder(self.home)

    def launch(self, job: str, **config: dict[str, Any]) -> str:
        ops = {"ops": {op: {"config": given} for op, given in config.items()}}
        return self.api.launch(processes.LOCATION, job, config=ops if config else None)

    def status(self, run_id: str) -> str:
        return str(self.api.run(run_id)["status"])

    def ended(self, run_id: str, seconds: float = 40.0) -> str:
        """How the run ended."""
        assert eventually(lambda: self.status(run_id) in FINISHED, seconds), (self.status(run_id), self.said(run_id))
        return self.status(run_id)

    def worker(self, run_id: str) -> workers.Worker:
        """The worker of a run that is under way."""
        assert eventually(lambda: self.status(run_id) == "STARTED"), (self.status(run_id), self.said(run_id))
        worker = workers.read(self.place, run_id)
        assert worker is not None
        return worker

    def said(self, run_id: str) -> list[str]:
        """Messages of a run's events."""
        events = self.api.ask(EVENTS, {"id": run_id})["logsForRun"]["events"]
        return [str(event.get("message")) for event in events]

    def terminate(self, run_id: str) -> str:
        return str(self.api.ask(TERMINATE, {"id": run_id})["terminateRun"]["__typename"])

    def captured(self, run_id: str) -> dict[str, str]:
        """What the run wrote, by kind: out, err."""
        found = (self.home / "dagster" / "storage" / run_id / "compute_logs").glob("*.*")
        return {path.suffix[1:]: path.read_text() for path in found if path.suffix in (".out", ".err")}

    def dagster_url(self) -> str:
        """The address of Dagster's database."""
        return str(psutil.Process(self.warm()["pid"]).environ()["PW_DAGSTER_DATABASE_URL"])

    def warm(self) -> dict[str, Any]:
        return door.ask(self.home, {"do": "state"}, seconds=30)


def eventually(what: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether `what` came true in time."""
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def write_jobs(source: Path, edition: str) -> None:
    """The definitions, in some edition."""
    (source / f"{MODULE}.py").write_text(JOBS.replace("EDITION", edition))


@contextlib.contextmanager
def house(folder: Path) -> Iterator[House]:
    """Everything but the warm process, which the first launch starts."""
    settings = Settings(home=folder / "home", embedded_durable=False)
    settings.home.mkdir()
    source = folder / "source"
    source.mkdir()
    write_jobs(source, "one")
    ports = Ports("127.0.0.1")
    code, web = ports.take(4300), ports.take(3300)
    children: list[Child] = []
    with databases(settings) as urls:
        variables = {
            **os.environ, **environment(settings, urls, sandbox_url=None),
            "PYTHONPATH": str(source), "PW_WARM_DEFINITIONS": MODULE, "PW_WARM_WAIT_SECONDS": str(WAIT_SECONDS),
        }  # fmt: skip
        prepare_dagster_home(settings)
        api = DagsterApi(f"http://127.0.0.1:{web}")
        workspace = _workspace(settings.home, code)
        programs = [
            _code_server(code),
            processes.dagster_webserver("127.0.0.1", web, workspace, lambda: api.answers(processes.LOCATION)),
            processes.dagster_daemon(workspace, api.daemons_healthy),
        ]
        try:
            for program in programs:
                children.append(Child(program, settings.home / "logs", variables))
                children[-1].start()
                if program is programs[0]:
                    await_health(children)
            await_health(children)
            yield House(settings.home, source, api)
        finally:
            for child in reversed(children):
                child.kill()
            _end_warm(settings.home)
            ports.close()


def _code_server(port: int) -> Program:
    program = processes.code_server(port, drain_seconds=1.0)
    command = tuple(MODULE if word == "pw_pipelines.definitions" else word for word in program.command)
    return Program(program.name, program.title, command, program.healthy, 180.0, 1.0)


def _end_warm(home: Path) -> None:
    place = str(door.folder(home))
    with contextlib.suppress(door.NobodyThere, door.NoAnswer):
        os.kill(door.ask(home, {"do": "state"}, seconds=5)["pid"], signal.SIGKILL)
    for worker in workers.noted(Path(place)):
        worker.kill()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("PW_HOME") == str(home) and process.pid != os.getpid():
                process.kill()
