"""`pw leads`: reconcile the leads with Listmonk; keep an address from ever being written to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from pw_pipelines.commands.output import emit_json, stdout
from pw_pipelines.errors import OutsideError
from pw_pipelines.leads import campaigns, stops
from pw_pipelines.leads.reconcile import sync
from pw_pipelines.leads.suppression import suppress, tell
from pw_pipelines.leads.sync_report import SyncReport
from pw_pipelines.resources.listmonk import Listmonk
from pw_pipelines.runtime.stack import open_stack
from pw_pipelines.settings import load_settings

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]


@app.command("sync")
def sync_command(as_json: AsJson = False) -> None:
    """Bring Listmonk's lead list to what the marts say: opt-outs read back first, then the difference, within quota."""
    with open_stack(load_settings(), sandbox=True) as stack, Listmonk(stack.settings) as listmonk:
        clock = stack.settings.clock
        report = sync(stack.db, listmonk, settings=stack.settings, now=clock.now(), today=clock.today())
    if as_json:
        emit_json(report)
        return
    for line in lines(report):
        stdout.print(line, highlight=False, soft_wrap=True, markup=False)


@app.command("suppress")
def suppress_command(
    email: Annotated[str, typer.Argument(help="The address never to write to again.")],
    *,
    reason: Annotated[
        str, typer.Option(help="manual, customer, complained, unsubscribed, bounced, blocklisted or disabled.")
    ] = "manual",
    note: Annotated[str, typer.Option(help="How it came about, for whoever asks later.")] = "",
    as_json: AsJson = False,
) -> None:
    """Never write to this address again; Listmonk is told at once if it answers, else by the next `pw leads sync`."""
    with open_stack(load_settings()) as stack:
        settings = stack.settings
        new = suppress(stack.db, email, reason=reason, origin="manual", now=settings.clock.now(), note=note)
        address = email.strip().lower()
        try:
            with Listmonk(settings) as listmonk:
                left = tell(listmonk, address, reason=reason, list_id=settings.listmonk_list_id)
            told = "taken off the list" if left else "was not on the list"
        except OutsideError as error:
            told = f"not told yet, the next `pw leads sync` will: {error}"
    if as_json:
        emit_json({"email": address, "reason": reason, "new": new, "listmonk": told})
        return
    known = "" if new else " (was so already)"
    stdout.print(f"{address} is suppressed, {reason}{known}. Listmonk: {told}", highlight=False, markup=False)


@app.command("stops")
def stops_command(as_json: AsJson = False) -> None:
    """What is stopped now: all sending (the breaker) or segments (a complaint), and the evidence."""
    with open_stack(load_settings()) as stack, stack.db.connect(application="pw-leads") as connection:
        found = stops.open_stops(connection)
    if as_json:
        emit_json({"stops": found})
        return
    for each in found:
        stdout.print(
            f"{each.segment or 'all sending'} since {each.raised_at:%Y-%m-%d %H:%M} UTC: {each.reason}",
            highlight=False,
            markup=False,
        )
    if not found:
        stdout.print("Nothing is stopped.")


@app.command("resume")
def resume_command(
    *,
    by: Annotated[str, typer.Option(help="Who lifts the stop.")],
    reason: Annotated[str, typer.Option(help="Why sending may go on.")],
    segment: Annotated[str | None, typer.Option(help="The segment; left out: the stop of all sending.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lift a stop, as a person who has looked at what stands behind it."""
    with open_stack(load_settings()) as stack:
        lifted = stops.resume(stack.db, segment=segment, by=by, reason=reason, now=stack.settings.clock.now())
    if as_json:
        emit_json(lifted)
        return
    stdout.print(f"Lifted: {lifted.segment or 'all sending'} ({lifted.reason})", highlight=False, markup=False)


@app.command("templates")
def templates_command(as_json: AsJson = False) -> None:
    """Keep our campaign templates in Listmonk as the files say, and look at every campaign that goes out.

    Exit code 1 when a running or scheduled campaign lacks what its mails must have.
    """
    with open_stack(load_settings(), sandbox=True) as stack, Listmonk(stack.settings) as listmonk:
        kept = campaigns.keep(listmonk, stack.settings)
    review = kept.review
    headers = {True: "on", False: "off", None: "unknown"}[review.one_click]
    is_good = not review.faults and review.one_click is not False
    if as_json:
        emit_json(
            {
                "ok": is_good, "templates": kept.templates, "campaigns": review.campaigns,
                "faults": review.faults, "one_click_headers": headers,
            }
        )  # fmt: skip
    else:
        for name, deed in kept.templates.items():
            stdout.print(f"{name}: {deed}", highlight=False, markup=False)
        stdout.print(f"{review.campaigns} campaigns go out; one-click headers (RFC 8058): {headers}", highlight=False)
        for fault in review.faults:
            stdout.print(fault.text, highlight=False, markup=False, soft_wrap=True)
    if not is_good:
        raise typer.Exit(1)


def lines(report: SyncReport) -> list[str]:
    """The report as sentences."""
    quota = report.quota
    told = [
        f"{report.leads:,} leads, {report.desired:,} addresses wanted on the list, {report.already_there:,} were on it",
        f"created {report.created:,}, joined {report.joined:,}, updated {report.updated:,}, "
        f"withdrawn {_sum(report.withdrawn)}, marked unsubscribed {_sum(report.unsubscribed)}",
        f"held {_sum(report.held)}, suppressed {_sum(report.suppressed)}, refused {_sum(report.refused)}, "
        f"strangers left alone {report.strangers:,}",
        f"quota of {quota.day}: {quota.used:,} of {quota.limit:,} used ({_sum(quota.by_provider)}), "
        f"{report.queued:,} waiting",
        *quota.reasons,
    ]
    return [*told, f"{report.seconds:.1f} s"]


def _sum(counts: Mapping[str, int]) -> str:
    """`3 (cured 2, customer 1)`."""
    total = sum(counts.values())
    parts = ", ".join(f"{reason} {number:,}" for reason, number in counts.items())
    return f"{total:,} ({parts})" if parts else f"{total:,}"
