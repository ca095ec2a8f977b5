"""Free ports: the one asked for, else the next, and nobody else of this project takes it meanwhile."""

from __future__ import annotations

import socket
import sys

from pw_pipelines.errors import ConfigError

TRIED = 200


class Ports:
    """Hands out ports of one host, and keeps them reserved against other homes' `pw up` until `close()`.

    A process that is still importing does not listen yet. The reservation is a name in Linux's abstract socket
    space, which the kernel frees when this process ends, however it ends.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self._held: list[socket.socket] = []

    def take(self, first: int) -> int:
        """The first free port from `first` on. Raises ConfigError after 200."""
        for port in range(first, min(first + TRIED, 65_536)):
            # Reserved before it is tried: the trial listens for a moment, which would fail another's server that
            # is about to.
            held = self._reserve(port)
            if held is None:
                continue
            if is_free(self.host, port):
                self._held.append(held)
                return port
            held.close()
        raise ConfigError(
            f"No free port on {self.host} from {first} to {first + TRIED - 1}. Set PW_WEB_PORT, PW_DAGSTER_PORT or "
            "PW_SANDBOX_PORT to another range."
        )

    def close(self) -> None:
        """Gives the reservations up."""
        for held in self._held:
            held.close()
        self._held.clear()

    @staticmethod
    def _reserve(port: int) -> socket.socket | None:
        """What holds the port's name until it is closed; None when another has it."""
        name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if sys.platform == "linux":
            try:
                name.bind(f"\0pw_pipelines/port/{port}")
            except OSError:
                name.close()
                return None
        return name


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now. A closed connection's TIME_WAIT does not count as taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError:
            return False
    return True
