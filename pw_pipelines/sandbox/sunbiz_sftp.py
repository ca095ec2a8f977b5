"""The Division of Corporations' file server: SSH and SFTP over the invented companies, as one login sees it.

Read only. The published login is asked for; paths stand with or without `./`, `/` and `Public/`; a login that comes
again soon is kept waiting. It misbehaves as the control tells it to (system `sunbiz`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import posixpath
import socket
import stat
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)
from paramiko.sftp import SFTP_CONNECTION_LOST, SFTP_EOF, SFTP_NO_SUCH_FILE, SFTP_PERMISSION_DENIED

from pw_pipelines.errors import ConfigError
from pw_pipelines.sandbox.faults import CUT_SHARE, Fault, FaultBook
from pw_pipelines.sandbox.sunbiz_tree import Node, SunbizTree

logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # a client that hangs up is no news

SYSTEM = "sunbiz"
USER, PASSWORD = "Public", "PubAccess1845!"  # as the Division publishes them
_PATIENT_LOGINS = 4  # in half a minute; later ones wait
_LOGIN_WAIT_SECONDS = 0.5
_CONNECTIONS = 20


class SunbizSftp:
    """The server on one port, in threads of this process."""

    def __init__(self, tree: SunbizTree, book: FaultBook, today: Callable[[], date], key_file: Path) -> None:
        self._tree = tree
        self._book = book
        self._today = today
        self._key_file = key_file
        self._listening: socket.socket | None = None
        self._open: set[paramiko.Transport] = set()
        self._logins: deque[float] = deque(maxlen=50)

    def start(self, port: int, host: str = "127.0.0.1") -> int:
        """Listens; 0 takes any free port. Returns the port. Raises ConfigError when the port is taken."""
        try:
            self._listening = socket.create_server((host, port), backlog=_CONNECTIONS)
        except OSError as error:
            raise ConfigError(
                f"Florida's stand-in file server cannot listen on {host}:{port} ({error.strerror}); "
                "set PW_SANDBOX_SFTP_PORT to a free port."
            ) from error
        key = _host_key(self._key_file)
        threading.Thread(target=self._accept, args=(self._listening, key), daemon=True).start()
        return int(self._listening.getsockname()[1])

    def stop(self) -> None:
        """Closes the port and every connection."""
        if self._listening is not None:
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
        for transport in list(self._open):
            transport.close()

    def _accept(self, listening: socket.socket, key: paramiko.PKey) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # closed: we stop
                return
            threading.Thread(target=self._serve, args=(connection, key), daemon=True).start()

    def _serve(self, connection: socket.socket, key: paramiko.PKey) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = paramiko.Transport(connection)
        self._open.add(transport)
        transport.add_server_key(key)
        today = self._today
        transport.set_subsystem_handler(
            "sftp", paramiko.SFTPServer, _Files, tree=self._tree, book=self._book, today=today, hang_up=transport.close
        )
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):  # a client that went away
            transport.start_server(server=_Door(self._logins))
            transport.join()
        transport.close()
        self._open.discard(transport)


def _host_key(path: Path) -> paramiko.PKey:
    """The server's own key, made once: a changed key is an alarm to every client."""
    if path.exists():
        return paramiko.ECDSAKey.from_private_key_file(str(path))
    key = paramiko.ECDSAKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{threading.get_ident()}")
    key.write_private_key_file(str(draft))
    draft.replace(path)
    return key


class _Door(paramiko.ServerInterface):
    """Who may come in."""

    def __init__(self, logins: deque[float]) -> None:
        self._logins = logins

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        now = time.monotonic()
        self._logins.append(now)
        if sum(each > now - 30 for each in self._logins) > _PATIENT_LOGINS:
            time.sleep(_LOGIN_WAIT_SECONDS)
        known = (username, password) == (USER, PASSWORD)
        return AUTH_SUCCESSFUL if known else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if kind == "session":
            return OPEN_SUCCEEDED
        return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED


class _Files(paramiko.SFTPServerInterface):
    """One session's view of the tree."""

    def __init__(
        self,
        server: paramiko.ServerInterface,
        *args: Any,
        tree: SunbizTree,
        book: FaultBook,
        today: Callable[[], date],
        hang_up: Callable[[], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(server, *args, **kwargs)
        self._tree = tree
        self._book = book
        self._today = today
        self._hang_up = hang_up
        self._grown: set[str] = set()

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        where = _plain(path)
        fault = self._book.take(SYSTEM, where + "/")
        if fault is not None and fault.fault == "slow":
            time.sleep(fault.seconds)
        today = self._today() - timedelta(days=fault.days if fault is not None and fault.fault == "old_copy" else 0)
        if fault is not None and fault.fault == "cut":
            self._hang_up()
        files = self._tree.files(where, today)
        if files is None and not self._tree.is_folder(where):
            return SFTP_NO_SUCH_FILE
        found = [_attributes(name, node) for name, node in (files or {}).items()]
        return found + [_attributes(name, None) for name in self._tree.folders(where)]

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        where = _plain(path)
        if self._tree.is_folder(where):
            return _attributes(posixpath.basename(where), None)
        node = self._node(where)
        if node is None:
            return SFTP_NO_SUCH_FILE
        found = _attributes(posixpath.basename(where), node)
        if where in self._grown:
            found.st_size = (found.st_size or 0) + 1
        return found

    lstat = stat

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        where = _plain(path)
        if flags & (os.O_WRONLY | os.O_RDWR):
            return SFTP_PERMISSION_DENIED
        node = self._node(where)
        fault = self._book.take(SYSTEM, where)
        if node is None or (fault is not None and fault.fault == "missing"):
            return SFTP_NO_SUCH_FILE
        if fault is not None and fault.fault == "grown":
            self._grown.add(where)
        return _Reading(node, fault, self._hang_up)

    def _node(self, where: str) -> Node | None:
        folder, name = posixpath.split(where)
        return (self._tree.files(folder, self._today()) or {}).get(name)


class _Reading(paramiko.SFTPHandle):
    """An open file, and what is wrong with it."""

    def __init__(self, node: Node, fault: Fault | None, hang_up: Callable[[], None]) -> None:
        super().__init__()
        self._node = node
        self._raw = node.open()
        self._lock = threading.Lock()
        self._fault = fault.fault if fault else None
        self._seconds = fault.seconds if fault else 0.0
        self._hang_up = hang_up

    def stat(self) -> paramiko.SFTPAttributes:
        return _attributes("", self._node)

    def read(self, offset: int, length: int) -> bytes | int:
        far = offset + length > self._node.size * CUT_SHARE
        if self._fault == "slow":
            time.sleep(self._seconds)
            self._fault = None
        if far and self._fault == "cut":
            self._hang_up()
            return SFTP_CONNECTION_LOST
        if far and self._fault == "truncated":
            return SFTP_EOF
        with self._lock:
            self._raw.seek(offset)
            return self._raw.read(length)

    def close(self) -> None:
        self._raw.close()


def _plain(path: str) -> str:
    """The path below the login's folder, however it is written."""
    plain = posixpath.normpath("/" + path).lstrip("/")
    return "" if plain == "Public" else plain.removeprefix("Public/")


def _attributes(name: str, node: Node | None) -> paramiko.SFTPAttributes:
    found = paramiko.SFTPAttributes()
    found.filename = name
    found.st_mode = (stat.S_IFDIR | 0o555) if node is None else (stat.S_IFREG | 0o444)
    found.st_size = 0 if node is None else node.size
    found.st_mtime = found.st_atime = 0 if node is None else node.modified
    return found
