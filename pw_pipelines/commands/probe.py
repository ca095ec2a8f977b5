"""`pw probe`: look whether portals still are as our files say; say what changed; open one again."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer
from rich.markup import escape

from pw_pipelines.commands.orders import who
from pw_pipelines.commands.output import EXIT_FAILED, emit_json, stdout
from pw_pipelines.errors import UsageError
from pw_pipelines.runtime.stack import open_stack
from pw_pipelines.settings import load_settings

app = typer.Typer(add_completion=False)

OPEN, CLOSE = "open", "close"


@app.command()
def probe_command(
    portals: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PORTAL]…",
            help="Codes of portals; default: all that may be visited. `open PORTAL` opens one for filing, "
            "`close PORTAL` closes it; both need --reason.",
        ),
    ] = None,
    *,
    reason: Annotated[str, typer.Option(help="open, close: why. It is kept with your name.")] = "",
    by: Annotated[str | None, typer.Option(help="open, close: who; default: the user of this machine.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Look at every portal with a real browser: which selectors stand, what changed, what may be meant now.

    Files nothing, answers no challenge, never visits a portal whose terms forbid programs. Fails when one is not ok.
    """
    asked = portals or []
    if asked[:1] in ([OPEN], [CLOSE]):
        _change(asked, reason, by, as_json=as_json)
        return
    if reason or by:
        raise UsageError("--reason and --by belong to `pw probe open PORTAL` and `pw probe close PORTAL`.")
    _look(asked, as_json=as_json)


def _look(asked: list[str], *, as_json: bool) -> None:
    from pw_pipelines.probes.books import Kept
    from pw_pipelines.probes.rounds import NotLooked, Prober, look_at_all
    from pw_pipelines.probes.targets import target_of, targets

    with open_stack(load_settings()) as stack:
        known = targets(stack.settings)
        wanted = [target_of(code, stack.settings) for code in asked] if asked else list(known.values())
        prober = Prober(stack.settings, stack.db, stack.objects)
        try:
            found = look_at_all(
                prober, wanted, by=who(), told=(lambda _: None) if as_json else lambda one: _say(one, asked)
            )
        finally:
            prober.close()
    looked = [one for one in found if isinstance(one, Kept)]
    left = [one for one in found if isinstance(one, NotLooked)]
    ok = all(one.ok for one in looked)
    if as_json:
        emit_json(
            {"ok": ok, "portals": [_whole(one) for one in looked],
             "not_visited": [{"portal": one.portal, "why": one.why} for one in left]}
        )  # fmt: skip
    elif not asked:
        stdout.print(f"{len(looked)} portals looked at; {len(left)} not visited (`--json` says why).", highlight=False)
    if not ok:
        raise typer.Exit(EXIT_FAILED)


def _whole(one: Any) -> dict[str, Any]:
    return {
        "portal": one.portal, "ok": one.ok, "outcome": one.outcome, "why": one.why, "closed": one.is_closed,
        "changes": list(one.changes),
        "selectors": [
            {
                "name": each.name, "ok": each.ok, "changed": each.changed, "state": each.state, "found": each.found,
                "since": each.since, "last_stood_at": each.last_stood_at, "changes": list(each.changes),
                "candidate": each.candidate["selector"] if each.candidate else None,
            }
            for each in one.results
        ],
        "not_seen": [{"name": name, "why": why} for name, why in one.unseen],
    }  # fmt: skip


def _say(one: Any, asked: list[str]) -> None:
    """One portal, as it ends."""
    from pw_pipelines.probes.rounds import NotLooked

    if isinstance(one, NotLooked):
        if asked:
            stdout.print(f"{one.portal}: not visited. {escape(one.why)}", highlight=False, soft_wrap=True)
        return
    stood = sum(each.ok for each in one.results)
    mark = "[green]stands[/]" if one.ok else f"[bold red]{one.outcome}[/]"
    counted = f"{stood} of {len(one.results)} selectors stand, {len(one.unseen)} show only later" if one.results else ""
    closed = "; closed for filing" if one.is_closed else ""
    stdout.print(f"{one.portal}: {mark} {counted}{closed}", highlight=False, soft_wrap=True)
    if one.why:
        stdout.print(f"  {escape(one.why)}", highlight=False, soft_wrap=True)
    for change in one.changes:
        stdout.print(f"  {escape(change)}", highlight=False, soft_wrap=True)
    for each in one.results:
        if each.candidate:
            better = each.candidate
            said = f"{better['selector']} ({', '.join(better['why'])}; {better['score']:.2f})"
            stdout.print(
                f"  perhaps meant instead of {escape(each.expression)}: {escape(said)}", highlight=False, soft_wrap=True
            )


def _change(asked: list[str], reason: str, by: str | None, *, as_json: bool) -> None:
    from pw_pipelines.filings.portal import portal_of
    from pw_pipelines.fulfillment import deeds
    from pw_pipelines.fulfillment.model import Connection

    word, codes = asked[0], asked[1:]
    if len(codes) != 1:
        raise UsageError(f"`pw probe {word}` takes one portal.")
    if not reason.strip():
        raise UsageError("Say why with --reason: it is kept with your name, and others read it.", field="reason")
    portal = portal_of(codes[0]).portal
    went_on = 0
    with open_stack(load_settings()) as stack, stack.db.connect(application="pw probe") as opened:
        connection = cast("Connection", opened)
        now, name = stack.settings.clock.now(), f"{by.strip()} ({who()})" if by and by.strip() else who()
        if word == OPEN:
            went_on = deeds.open_portal(connection, portal, by=name, why=reason, now=now)
        else:
            deeds.close_portal(connection, portal, by=name, why=reason, now=now)
    if as_json:
        emit_json({"portal": portal, "closed": word == CLOSE, "by": name, "items_going_on": went_on})
    elif word == OPEN:
        stdout.print(f"{portal} is open; {went_on} items that waited for it go on.", highlight=False)
    else:
        stdout.print(f"{portal} is closed: nothing is filed there until a person opens it.", highlight=False)
