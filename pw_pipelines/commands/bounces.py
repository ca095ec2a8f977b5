"""`pw bounces`: what a report says and which lines decided; one round of the bounce mailbox by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pw_pipelines.bounces.report import read_report
from pw_pipelines.bounces.score import read_expected, score
from pw_pipelines.commands.output import emit_json, stdout
from pw_pipelines.errors import UsageError
from pw_pipelines.settings import load_settings

app = typer.Typer(no_args_is_help=True, help=__doc__, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout and nothing else.")]


@app.command("explain")
def explain(
    files: Annotated[list[Path], typer.Argument(help="Mails as files, with all their headers.")],
    *,
    expect: Annotated[
        Path | None,
        typer.Option(help="A table of what the mails are (YAML, name: [[recipient, class]]): show right and wrong."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what each mail says of each recipient, and by which lines. Nothing is written.

    With --expect: a table of right and wrong classes instead; exit code 1 when one is wrong.
    """
    if expect is not None:
        _score(files, expect, as_json=as_json)
        return
    answers = []
    for file in files:
        try:
            report = read_report(file.read_bytes())
        except OSError as error:
            raise UsageError(f"{file} can't be read: {error.strerror}.") from error
        results = [
            {
                "recipient": result.recipient, "original": result.original, "class": result.class_,
                "rule": result.rule, "action": result.action, "status": result.status,
                "remote_mta": result.remote_mta, "evidence": list(result.evidence),
            }
            for result in report.results
        ]  # fmt: skip
        answers.append({"file": str(file), "kind": report.kind, "ids": report.ids, "results": results})
    if as_json:
        emit_json({"files": answers})
        return
    for file, answer in zip(files, answers, strict=True):
        stdout.print(f"{file.name}: {answer['kind']}", highlight=False, markup=False)
        for result in read_report(file.read_bytes()).results:
            who = result.recipient or "nobody named"
            stdout.print(f"  {result.class_:<13} {who}  (rule {result.rule})", highlight=False, markup=False)
            for line in result.evidence:
                stdout.print(f"      {line}", highlight=False, markup=False, soft_wrap=True)


def _score(files: list[Path], expect: Path, *, as_json: bool) -> None:
    found = score(files, read_expected(expect))
    if as_json:
        emit_json(found)
    else:
        stdout.print(f"{'it is':<14} {'read as':<14} recipients", highlight=False)
        for what, got in sorted(found.table.items()):
            for each, count in sorted(got.items()):
                mark = "" if each == what else "   WRONG"
                stdout.print(f"{what:<14} {each:<14} {count:>5}{mark}", highlight=False, markup=False)
        stdout.print(
            f"{found.right} of {found.mails} mails right; answers that would count as bounces: {found.harmful}",
            highlight=False,
        )
        for wrong in found.wrong:
            stdout.print(f"{wrong.mail}: is {wrong.expected}, read as {wrong.found}", highlight=False, markup=False)
    if found.wrong:
        raise typer.Exit(1)


@app.command("watch")
def watch(as_json: AsJson = False) -> None:
    """Work what waits in the bounce mailbox, once; `watch_bounces` does it every minute."""
    from pw_pipelines.bounces.watch import work_round
    from pw_pipelines.resources.bounce_mailbox import open_mailbox
    from pw_pipelines.resources.listmonk import Listmonk
    from pw_pipelines.resources.objects import Objects
    from pw_pipelines.runtime.stack import open_stack

    with open_stack(load_settings(), sandbox=True) as stack, Listmonk(stack.settings) as listmonk:
        settings = stack.settings
        mailbox = open_mailbox(settings)
        if mailbox is None:
            raise UsageError("No bounce mailbox is set: PW_BOUNCE_MAILDIR or PW_BOUNCE_IMAP_HOST.")
        objects = Objects(settings.objects_url or (settings.home / "objects").resolve().as_uri())
        try:
            done = work_round(
                stack.db, objects, listmonk, mailbox, settings=settings, now=settings.clock.now(),
                today=settings.clock.today(),
            )  # fmt: skip
        finally:
            mailbox.close()
    if as_json:
        emit_json(done.as_json())
        return
    for sentence in done.sentences():
        stdout.print(sentence, highlight=False, markup=False, soft_wrap=True)
