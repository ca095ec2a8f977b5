"""A small IMAP4rev1 server on loopback (RFC 3501, 4315, 6851): one user, folders in memory, no encryption.

It is strict where a client could be lax: commands only in the state that allows them, capabilities beyond the first
told only after the login, mails by UID, sizes as they are, `\\Seen` set by everything but PEEK, literals by length.
"""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

USER, PASSWORD = "bounces", 'se"cret\\1'
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


@dataclass
class Message:
    content: bytes
    flags: set[str] = field(default_factory=set)


@dataclass
class Store:
    """Folders: name -> UID -> mail. more: capabilities told after the login. log: commands as they came."""

    more: tuple[str, ...] = ("MOVE", "UIDPLUS")
    folders: dict[str, dict[int, Message]] = field(default_factory=lambda: {"INBOX": {}})
    log: list[str] = field(default_factory=list)
    drops_after: str | None = None  # the connection breaks after it has done this command
    chatters: bool = False  # tells of other people's flags amid its answers, as it may (RFC 3501 7.4.2)
    _next: int = 1

    def put(self, content: bytes, folder: str = "INBOX") -> int:
        uid, self._next = self._next, self._next + 1
        self.folders[folder][uid] = Message(content)
        return uid


class _Session(socketserver.StreamRequestHandler):
    store: Store
    state = "NOT AUTHENTICATED"
    folder = ""

    def handle(self) -> None:
        self.say("* OK IMAP4rev1 ready")
        while line := self.rfile.readline():
            text = line.decode("ascii").rstrip("\r\n")
            tag, _, rest = text.partition(" ")
            command, _, arguments = rest.partition(" ")
            command = command.upper()
            if command == "UID":
                sub, _, arguments = arguments.partition(" ")
                command = f"UID {sub.upper()}"
            self.store.log.append(f"{command} {arguments}" if command != "LOGIN" else "LOGIN")
            method = getattr(self, "do_" + command.lower().replace(" ", "_"), None)
            if method is None:
                self.say(f"{tag} BAD unknown command {command}")
                continue
            needs = {"LOGIN": "NOT AUTHENTICATED", "CAPABILITY": "", "LOGOUT": "", "NOOP": ""}
            if command not in needs and (
                self.state == "NOT AUTHENTICATED" or (command.startswith("UID") and self.state != "SELECTED")
            ):
                self.say(f"{tag} BAD not in this state")
                continue
            self.say(f"{tag} {method(arguments)}")
            if command == self.store.drops_after:
                self.store.drops_after = None
                return
            if command == "LOGOUT":
                return

    def say(self, text: str, literal: bytes | None = None, end: str = "") -> None:
        self.wfile.write(text.encode() + (b"\r\n" if literal is None else b"\r\n" + literal + end.encode() + b"\r\n"))

    def do_capability(self, _: str) -> str:
        more = "" if self.state == "NOT AUTHENTICATED" else " ".join(self.store.more)
        self.say(f"* CAPABILITY IMAP4rev1 {more}".rstrip())
        return "OK done"

    def do_login(self, arguments: str) -> str:
        if words(arguments) != [USER, PASSWORD]:
            return "NO [AUTHENTICATIONFAILED] wrong"
        self.state = "AUTHENTICATED"
        return "OK logged in"

    def do_logout(self, _: str) -> str:
        self.say("* BYE")
        return "OK bye"

    def do_select(self, arguments: str) -> str:
        [name] = words(arguments)
        if name not in self.store.folders:
            return "NO [NONEXISTENT] no such folder"
        self.folder, self.state = name, "SELECTED"
        self.say(f"* {len(self.mails)} EXISTS")
        self.say("* OK [UIDVALIDITY 1] fine")
        return "OK [READ-WRITE] selected"

    def do_create(self, arguments: str) -> str:
        [name] = words(arguments)
        if name in self.store.folders:
            return "NO [ALREADYEXISTS] there"
        self.store.folders[name] = {}
        return "OK made"

    def do_uid_search(self, arguments: str) -> str:
        if arguments.upper() != "UNDELETED":
            return "BAD this server knows one search"
        found = [str(uid) for uid, mail in sorted(self.mails.items()) if "\\Deleted" not in mail.flags]
        self.say("* SEARCH " + " ".join(found))
        return "OK done"

    def do_uid_fetch(self, arguments: str) -> str:
        uid, _, wanted = arguments.partition(" ")
        mail = self.mails.get(int(uid))
        if mail is None:
            return "OK nothing"
        number = sorted(self.mails).index(int(uid)) + 1
        if self.store.chatters:
            self.say(f"* {number} FETCH (FLAGS (\\Recent) UID {uid})")
        if wanted == "(RFC822.SIZE)":
            self.say(f"* {number} FETCH (RFC822.SIZE {len(mail.content)} UID {uid})")
            return "OK done"
        found = re.fullmatch(r"\(BODY(\.PEEK)?\[\](?:<0\.(\d+)>)?\)", wanted)
        if found is None:
            return "BAD what is that"
        if not found[1]:
            mail.flags.add("\\Seen")
        part = mail.content[: int(found[2])] if found[2] else mail.content
        origin = "<0>" if found[2] else ""
        self.say(f"* {number} FETCH (UID {uid} BODY[]{origin} {{{len(part)}}}", part, ")")
        return "OK done"

    def do_uid_copy(self, arguments: str) -> str:
        uid, folder = words(arguments)
        if folder not in self.store.folders:
            return "NO [TRYCREATE] no such folder"
        self.store.put(self.mails[int(uid)].content, folder)
        return "OK copied"

    def do_uid_move(self, arguments: str) -> str:
        if "MOVE" not in self.store.more:
            return "BAD no such command"
        uid = int(words(arguments)[0])
        answer = self.do_uid_copy(arguments)
        if answer.startswith("OK"):
            number = sorted(self.mails).index(uid) + 1
            del self.mails[uid]
            self.say(f"* {number} EXPUNGE")
        return answer

    def do_uid_store(self, arguments: str) -> str:
        uid, what, flags = arguments.split(" ", 2)
        if what != "+FLAGS.SILENT":
            return "BAD what is that"
        self.mails[int(uid)].flags |= set(flags.strip("()").split())
        return "OK done"

    def do_uid_expunge(self, arguments: str) -> str:
        if "UIDPLUS" not in self.store.more:
            return "BAD no such command"
        if "\\Deleted" in self.mails[int(arguments)].flags:
            del self.mails[int(arguments)]
        return "OK done"

    @property
    def mails(self) -> dict[int, Message]:
        return self.store.folders[self.folder]


def words(arguments: str) -> list[str]:
    """Atoms and quoted strings."""
    return [re.sub(r"\\(.)", r"\1", found[1]) if found[1] or found[0] == '""' else found[2]
            for found in _QUOTED.finditer(arguments)]  # fmt: skip


@contextmanager
def serving(store: Store) -> Iterator[int]:
    """The server's port."""
    session = type("Session", (_Session,), {"store": store})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), session) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
