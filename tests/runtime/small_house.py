"""`pw up` with small programs in Dagster's and the web's place: real supervisor, real PostgreSQL, quick start.

Run as a script by the tests; what it should do wrong comes in SMALL_HOUSE (JSON).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pw_pipelines.runtime import supervisor
from pw_pipelines.runtime.plan import Addresses
from pw_pipelines.runtime.processes import Program, http_answers
from pw_pipelines.settings import Settings

SERVE = """
import http.server, os, signal, subprocess, sys
port, grandchild, stubborn = int(sys.argv[1]), sys.argv[2] == "1", sys.argv[3] == "1"
if grandchild:  # like a run worker: started by the code server, in its group, deaf to its parent's end
    subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"])
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die": os._exit(3)
        body = os.environ["PW_HOME"].encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments): pass
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""


def program(name: str, port: int, *, grandchild: bool = False, stubborn: bool = False) -> Program:
    """A server on `port` that answers with its PW_HOME."""
    command = (sys.executable, "-I", "-S", "-c", SERVE, str(port), str(int(grandchild)), str(int(stubborn)))
    return Program(name, f"The {name}", command, http_answers(f"http://127.0.0.1:{port}/"), 20.0, 3.0)


def plan(settings: Settings, addresses: Addresses) -> list[list[Program]]:
    """A web app, and a code server with a run worker."""
    wishes = json.loads(os.environ.get("SMALL_HOUSE", "{}"))
    programs = [
        program("web", addresses.web, stubborn=bool(wishes.get("stubborn"))),
        program("code-server", addresses.code, grandchild=True),
    ]
    if wishes.get("broken"):
        says = "import sys; print('the reason it is broken'); sys.exit(7)"
        programs.append(
            Program("sandbox", "The stand-ins", (sys.executable, "-I", "-S", "-c", says), lambda: False, 20.0, 3.0)
        )
    return [programs]


if __name__ == "__main__":
    supervisor.BACKOFF_SECONDS = (0.0,) * supervisor.MOST_RESTARTS
    from pw_pipelines.errors import PwError

    try:
        raise SystemExit(
            supervisor.up(Settings(), bootstrap=False, ready_file=Path(os.environ["READY_FILE"]), plan=plan)
        )
    except PwError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from error
