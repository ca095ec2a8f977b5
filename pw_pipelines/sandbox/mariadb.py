"""ERPNext's MariaDB: a small real mariadbd, with tables as Frappe has them, holding the ERPNext stand-in's documents.

It listens from the start and starts the server at the first connection, so it costs nothing until somebody makes a
backup. Whenever a first client comes, the documents are read anew from the stand-in's own store.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pw_pipelines.backups.model import BackupError
from pw_pipelines.backups.scratch_mariadb import MEND, ScratchMariadb, missing
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings

SYSTEM = "mariadb"
DATABASE, USER, PASSWORD = "erpnext", "backup", "sandbox-mariadb"
_PIECE = 1 << 16
_GRANTS = "select, lock tables, show view, event, trigger"
# Frappe's columns of every DocType, then what the books ask for; the rest of a document stands in `data`.
_TABLE = """create table if not exists `tab{doctype}` (
 `name` varchar(140) not null, `creation` datetime(6), `modified` datetime(6), `owner` varchar(140),
 `docstatus` int(1) not null default 0, `customer` varchar(140), `grand_total` decimal(21,9), `data` longtext not null,
 primary key (`name`), key `modified` (`modified`)
) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_unicode_ci row_format=dynamic;
"""


def folder_of(settings: Settings) -> Path:
    return settings.home / "sandbox" / "mariadb"


class SandboxMariadb:
    """The server behind one port, in threads of this process. `documents`: URL of the ERPNext stand-in's store."""

    def __init__(self, folder: Path, documents: str | None) -> None:
        self.folder = folder
        self._documents = documents
        self._server: ScratchMariadb | None = None
        self._lock = threading.Lock()
        self._clients = 0
        self._listening: socket.socket | None = None

    def start(self, port: int, host: str = "127.0.0.1") -> int:
        """Listens; 0 takes any free port. Returns the port. Raises ConfigError when something is missing or taken."""
        if lacking := missing():
            raise ConfigError(f"ERPNext's stand-in MariaDB needs {', '.join(lacking)}; install with: {MEND}")
        site = self.folder / "site"
        site.mkdir(parents=True, exist_ok=True)
        config = {"db_name": DATABASE, "db_type": "mariadb", "encryption_key": "sandbox-key-worth-nothing"}
        (site / "site_config.json").write_text(json.dumps(config, indent=1))
        try:
            self._listening = socket.create_server((host, port), backlog=20)
        except OSError as error:
            raise ConfigError(
                f"ERPNext's stand-in MariaDB cannot listen on {host}:{port} ({error.strerror}); "
                "set PW_SANDBOX_MARIADB_PORT to a free port."
            ) from error
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()
        return int(self._listening.getsockname()[1])

    def stop(self) -> None:
        """Closes the port and ends the server."""
        if self._listening is not None:
            with contextlib.suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        with self._lock:
            if self._server is not None:
                self._server.stop()
                self._server = None

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # closed: we stop
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        unix = socket.socket(socket.AF_UNIX)
        with client, contextlib.suppress(OSError), self._counted() as path, unix as server:
            server.connect(str(path))
            _relay(client, server)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[Path]:
        """The server's socket, the server started and filled before the first client of several."""
        with self._lock:
            if self._server is None:
                server = ScratchMariadb(self.folder, durable=True)
                try:
                    server.start()
                except BackupError as error:
                    raise OSError(str(error)) from error
                self._server = server
            if self._clients == 0:
                self._fill(self._server)
            self._clients += 1
            path = self._server.socket
        try:
            yield path
        finally:
            with self._lock:
                self._clients -= 1

    def _fill(self, server: ScratchMariadb) -> None:
        statements = [
            f"create database if not exists {DATABASE} character set utf8mb4 collate utf8mb4_unicode_ci;",
            f"create user if not exists '{USER}'@'%' identified by '{PASSWORD}';",
            f"create user if not exists '{USER}'@'localhost' identified by '{PASSWORD}';",
            *(f"grant {_GRANTS} on {DATABASE}.* to '{USER}'@'{host}';" for host in ("%", "localhost")),
            *(f"grant process, reload on *.* to '{USER}'@'{host}';" for host in ("%", "localhost")),
            f"use {DATABASE};",
            _TABLE.format(doctype="Customer"),
        ]
        known = {"Customer"}
        for row in self._read():
            if row["doctype"] not in known:
                known.add(row["doctype"])
                statements.append(_TABLE.format(doctype=str(row["doctype"]).replace("`", "")))
            statements.append(_insert(row["doctype"], row["name"], row["doc"]))
        server.run("\n".join([*statements[:6], "set autocommit=0;", *statements[6:], "commit;"]))

    def _read(self) -> list[dict[str, Any]]:
        import psycopg
        from psycopg.rows import dict_row

        if self._documents is None:
            return []
        with psycopg.connect(self._documents, row_factory=dict_row) as connection:
            there = connection.execute("select to_regclass('erpnext.documents') is not null as there").fetchone()
            if not there or not there["there"]:
                return []
            return connection.execute("select doctype, name, doc from erpnext.documents order by 1, 2").fetchall()


def _insert(doctype: str, name: str, document: dict[str, Any]) -> str:
    total = document.get("grand_total", document.get("paid_amount"))
    values = [
        name, document.get("creation"), document.get("modified"), document.get("owner"),
        int(document.get("docstatus") or 0), document.get("customer") or document.get("party"), total,
        json.dumps(document, sort_keys=True),
    ]  # fmt: skip
    return f"replace into `tab{doctype.replace('`', '')}` values ({', '.join(_literal(value) for value in values)});"


def _literal(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value)
    return f"x'{str(value).encode().hex()}'" if str(value) else "''"


def _relay(client: socket.socket, server: socket.socket) -> None:
    """Bytes both ways until one side closes."""
    other = {client: server, server: client}
    while True:
        ready, _, _ = select.select([client, server], [], [])
        for side in ready:
            piece = side.recv(_PIECE)
            if not piece:
                return
            other[side].sendall(piece)
