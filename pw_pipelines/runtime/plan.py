"""Which processes make up the house, in which order, on which ports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pw_pipelines.errors import ConfigError
from pw_pipelines.runtime import processes
from pw_pipelines.runtime.dagster_api import DagsterApi
from pw_pipelines.runtime.ports import Ports
from pw_pipelines.runtime.processes import Program
from pw_pipelines.settings import Settings

CODE_SERVER_FIRST_PORT = 4000
DAGSTER_FIRST_PORT = 3210
DRAIN_SECONDS = 8.0  # what a running run gets to finish; longer ones are interrupted and closed, and can be retried


@dataclass(frozen=True)
class Addresses:
    """Where a house listens. `sandbox`, `sftp` (Florida's stand-in file server) and `smtp` (the mail
    server's) are None in live mode."""

    host: str
    web: int
    dagster: int  # the door; the webservers stand behind it on loopback
    dagster_api: int
    dagster_read: int
    code: int
    sandbox: int | None
    sftp: int | None = None
    smtp: int | None = None

    @property
    def web_url(self) -> str:
        return processes.base_url(self.host, self.web)

    @property
    def dagster_url(self) -> str:
        return processes.base_url(self.host, self.dagster)

    @property
    def dagster_api_url(self) -> str:
        return f"http://127.0.0.1:{self.dagster_api}"

    @property
    def dagster_read_url(self) -> str:
        return f"http://127.0.0.1:{self.dagster_read}"

    @property
    def sandbox_url(self) -> str | None:
        return f"http://127.0.0.1:{self.sandbox}" if self.sandbox else None


def free_addresses(settings: Settings, outer: Ports, inner: Ports) -> Addresses:
    """The ports the settings ask for, or the next free ones. Only the web app and Dagster's door may listen beyond
    loopback."""
    return Addresses(
        host=settings.bind_host,
        web=outer.take(settings.web_port),
        dagster=outer.take(settings.dagster_port),
        dagster_api=inner.take(DAGSTER_FIRST_PORT),
        dagster_read=inner.take(DAGSTER_FIRST_PORT + 1),
        code=inner.take(CODE_SERVER_FIRST_PORT),
        sandbox=inner.take(settings.sandbox_port) if settings.is_sandbox else None,
        sftp=inner.take(settings.sandbox_sftp_port) if settings.is_sandbox else None,
        smtp=inner.take(settings.sandbox_smtp_port) if settings.is_sandbox else None,
    )


# Groups of programs: those of a group start side by side, the next group when all of them are ready.
Plan = Callable[[Settings, Addresses], list[list[Program]]]


def whole_house(settings: Settings, addresses: Addresses) -> list[list[Program]]:
    """The plan of `pw up`. Writes PW_HOME/workspace.yaml, by which webserver and daemon find the code server."""
    workspace = _workspace(settings.home, addresses.code)
    api = DagsterApi(addresses.dagster_api_url)

    def webserver_ready() -> bool:
        if not api.answers(processes.LOCATION):
            return False
        if problem := api.location_error(processes.LOCATION):
            raise ConfigError(f"Dagster cannot load the code location: {problem}")
        return True

    reader_ready = processes.http_answers(f"{addresses.dagster_read_url}{processes.READ_ONLY}/server_info")
    first = [processes.preparation(), processes.web_app(addresses.host, addresses.web)]
    if addresses.sandbox:
        first.append(processes.stand_ins(addresses.sandbox, addresses.sftp, addresses.smtp))
    second = [processes.code_server(addresses.code, drain_seconds=DRAIN_SECONDS)]
    if settings.launcher == "warm":
        second.append(processes.warm_process(settings.home, drain_seconds=DRAIN_SECONDS))
    return [
        first,
        second,
        [
            processes.dagster_webserver("127.0.0.1", addresses.dagster_api, workspace, webserver_ready),
            processes.dagster_webserver(
                "127.0.0.1", addresses.dagster_read, workspace, reader_ready, read_only=processes.READ_ONLY
            ),
            processes.dagster_door(
                addresses.host,
                addresses.dagster,
                read_write=addresses.dagster_api_url,
                read_only=addresses.dagster_read_url,
            ),
            processes.dagster_daemon(workspace, api.daemons_healthy),
        ],
    ]


def _workspace(home: Path, port: int) -> Path:
    path = home / "workspace.yaml"
    path.write_text(
        "# Written by `pw up` at each start.\nload_from:\n  - grpc_server:\n      host: 127.0.0.1\n"
        f"      port: {port}\n      location_name: {processes.LOCATION}\n"
    )
    return path
