"""`pw sandbox`: run the stand-ins, move their clock, make them misbehave."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pw_pipelines.commands.output import emit_json, stdout
from pw_pipelines.errors import OutsideUnavailable, UsageError
from pw_pipelines.settings import load_settings

app = typer.Typer(no_args_is_help=True, add_completion=False)

# As `sandbox.faults` has them; written here because that module brings the web server, which a help page needs not.
SYSTEMS = (
    "rmd", "form499", "ecfs", "bdc", "cores", "listmonk", "telegram", "socrata", "sunbiz", "iowa_hub", "illinois",
    "erpnext", "stripe", "paypal", "shkeeper", "adyen", "smtp",
    "filing", "umami",
)  # fmt: skip
FAULTS = (
    "slow", "status", "rate_limit", "cut", "truncated", "html", "tiny_gzip", "old_copy", "missing", "done_but_timeout",
    "renamed_header", "missing_column", "wrong_encoding", "zero_rows", "duplicate_keys", "shrunk", "grown",
    "frn_without_zeros",
)  # fmt: skip

Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def _answer(as_json: bool, answer: dict[str, Any], sentence: str) -> None:
    if as_json:
        emit_json(answer)
    else:
        stdout.print(sentence, highlight=False, markup=False)


@app.command()
def serve(port: Annotated[int | None, typer.Option(help="Default: PW_SANDBOX_PORT.")] = None) -> None:
    """Serve every stand-in on loopback until Ctrl-C."""
    from pw_pipelines.sandbox.__main__ import serve as run

    run(port or load_settings().sandbox_port)


@app.command()
def now(as_json: Json = False) -> None:
    """Say what moment it is in the sandbox."""
    settings = load_settings()
    if not settings.is_sandbox:
        raise UsageError("PW_MODE=live has no sandbox clock.")
    moment, today, ahead = settings.clock.now(), settings.clock.today(), settings.clock.offset()
    _answer(
        as_json,
        {"now": moment, "day": today, "ahead_seconds": int(ahead.total_seconds())},
        f"{today} in New York ({moment:%Y-%m-%d %H:%M} UTC), {ahead.days} days ahead of the machine.",
    )


@app.command()
def advance(days: Annotated[int, typer.Option(help="Whole days forward, 1 or more.")], as_json: Json = False) -> None:
    """Move the sandbox's clock forward; at most 366 days ahead of the machine in all."""
    from pw_pipelines.sandbox.travel import advance as move

    today = move(load_settings(), days)
    _answer(as_json, {"day": today, "advanced_days": days}, f"It is now {today} in the sandbox.")


@app.command()
def misbehave(  # noqa: PLR0917  a command's parameters are named on the command line
    system: Annotated[str, typer.Argument(help=f"One of: {', '.join(SYSTEMS)}.")],
    fault: Annotated[str, typer.Argument(help=f"One of: {', '.join(FAULTS)}.")],
    times: Annotated[int | None, typer.Option(help="Requests it acts on; default: until `behave`.")] = None,
    match: Annotated[str, typer.Option(help="Only addresses that contain this.")] = "",
    seconds: Annotated[float | None, typer.Option(help="slow, done_but_timeout: how long.")] = None,
    status: Annotated[int | None, typer.Option(help="status: the code, 400 to 599.")] = None,
    retry_after: Annotated[int | None, typer.Option(help="status: seconds in Retry-After.")] = None,
    per_minute: Annotated[int | None, typer.Option(help="rate_limit: requests let through a minute.")] = None,
    as_json: Json = False,
) -> None:
    """Make a running stand-in misbehave."""
    wished: dict[str, float | None] = {
        "seconds": seconds,
        "status": status,
        "retry_after": retry_after,
        "per_minute": per_minute,
    }
    body: dict[str, Any] = {"system": system, "fault": fault, "times": times, "match": match}
    body |= {name: value for name, value in wished.items() if value is not None}
    answer = _control("POST", body)
    _answer(as_json, answer, f"{system} misbehaves: {fault}. `pw sandbox behave` ends it.")


@app.command()
def behave(
    system: Annotated[str | None, typer.Argument(help="One system; default: all.")] = None, as_json: Json = False
) -> None:
    """Take all faults back."""
    answer = _control("DELETE", None, {"system": system} if system else None)
    _answer(as_json, answer, f"{answer['cleared']} fault{'' if answer['cleared'] == 1 else 's'} taken back.")


@app.command()
def redesign(
    portal: Annotated[str, typer.Argument(help="fcc_rmd, wy_registry …; a search portal by its state: wy, bc, mo.")],
    do: Annotated[str, typer.Argument(help="label, drop, type, name, id, move or double.")],
    at: Annotated[str, typer.Argument(help="CSS selector of what is changed.")],
    to: Annotated[str, typer.Option(help="The new words, type, name, id; move: CSS of where it goes.")] = "",
    as_json: Json = False,
) -> None:
    """Rebuild a page of a running portal's stand-in, so that a probe has something to find. `mend` undoes it."""
    body = {"portal": portal, "edits": [{"do": do, "at": at, "to": to}]}
    answer = _control("POST", body, where="redesign")
    _answer(as_json, answer, f"{portal} is rebuilt: {do} {at}. `pw sandbox mend {portal}` undoes it.")


@app.command()
def mend(
    portal: Annotated[str | None, typer.Argument(help="One portal; default: all.")] = None, as_json: Json = False
) -> None:
    """Put rebuilt pages back as they were."""
    answer = _control("DELETE", None, {"portal": portal} if portal else None, where="redesign")
    _answer(as_json, answer, f"{portal or 'Every portal'} is as it was.")


def _control(
    method: str, body: dict[str, Any] | None, params: dict[str, str] | None = None, *, where: str = "faults"
) -> dict[str, Any]:
    """Asks the running stand-ins. Raises UsageError for what they refuse, OutsideUnavailable when none runs."""
    import httpx

    from pw_pipelines.runtime.running import running_house

    settings = load_settings()
    # The stand-ins of this PW_HOME's `pw up`: at the default port those of another home may listen.
    house = None if "sandbox_url" in settings.model_fields_set else running_house(settings.home)
    base = (house.sandbox_url if house and house.sandbox_url else settings.sandbox_url).rstrip("/")
    try:
        reply = httpx.request(method, f"{base}/_control/{where}", json=body, params=params, timeout=10)
    except httpx.TransportError as error:
        raise OutsideUnavailable(
            f"No stand-ins answer at {base}: start them with `pw up` or `pw sandbox serve`."
        ) from error
    if reply.status_code == 422:
        raise UsageError(str(reply.json()["error"]))
    answer: dict[str, Any] = reply.json()
    return answer
