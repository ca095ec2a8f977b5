"""Listmonk's campaigns: our templates kept as they are in the files, and every campaign that goes out looked at.

Templates are known by their names (`PW …`); no other is ever touched. A campaign that is running or scheduled must be
set in one of ours, unaltered, so that each of its mails has the unsubscribe link, our address and the disclosure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pw_pipelines.leads.template_files import Template, notice_words, read_templates, shown_text
from pw_pipelines.resources import listmonk_campaigns as there
from pw_pipelines.resources.listmonk import Listmonk
from pw_pipelines.resources.listmonk_campaigns import CAMPAIGN, Campaign, StoredTemplate
from pw_pipelines.settings import Settings

GOING_OUT = ("running", "scheduled")
HEADERS = frozenset({"list-unsubscribe", "list-unsubscribe-post"})


@dataclass(frozen=True)
class Fault:
    """A campaign that goes out without what it must have. `why`: each fault in words."""

    uuid: str
    name: str
    status: str
    why: tuple[str, ...]

    @property
    def key(self) -> str:
        """Of its alert: once per campaign."""
        return f"mail:campaign:{self.uuid}"

    @property
    def text(self) -> str:
        return (
            f"Campaign `{self.name}` is {self.status} in Listmonk and {'; '.join(self.why)}. Pause it there, set it in "
            "a `PW …` template, then start it again (docs/mail.md)."
        )


@dataclass(frozen=True)
class Review:
    """one_click: whether Listmonk writes the headers of RFC 8058 itself; None: the API user may not look."""

    campaigns: int
    faults: tuple[Fault, ...]
    one_click: bool | None


@dataclass(frozen=True)
class Kept:
    """What was done with each template: created, updated, unchanged; or why nothing could be."""

    templates: Mapping[str, str]
    review: Review


def keep(listmonk: Listmonk, settings: Settings) -> Kept:
    """Makes Listmonk's `PW …` templates say what the files say, then looks at what goes out.

    Raises BadTemplate, OutsideError.
    """
    ours = read_templates(settings)
    stored = there.templates(listmonk)
    done = {template.name: _keep_one(listmonk, template, stored) for template in ours}
    return Kept(done, review(listmonk, ours))


def review(listmonk: Listmonk, ours: Sequence[Template]) -> Review:
    """Every running and scheduled campaign against our templates, and the setting of the one-click headers. Writes
    nothing. Raises OutsideError."""
    number, faults = going_out(listmonk, ours)
    return Review(number, faults, there.sends_unsubscribe_header(listmonk))


def going_out(listmonk: Listmonk, ours: Sequence[Template]) -> tuple[int, tuple[Fault, ...]]:
    """(campaigns that run or are scheduled, those with faults). Writes nothing. Raises OutsideError."""
    going = [each for each in there.campaigns(listmonk, *GOING_OUT) if each.type == "regular"]
    stored = {each.id: each for each in there.templates(listmonk)} if going else {}
    faults = tuple(
        Fault(each.uuid, each.name, each.status, tuple(why))
        for each in going
        if (why := faults_of_campaign(each, stored.get(each.template_id or 0), ours))
    )
    return len(going), faults


def faults_of_campaign(campaign: Campaign, stored: StoredTemplate | None, ours: Sequence[Template]) -> list[str]:
    """What a campaign lacks, in words."""
    faults = []
    own = next((each for each in ours if stored is not None and each.name == stored.name), None)
    if campaign.content_type in {"visual", "plain"}:
        faults.append(f"is written as {campaign.content_type}, which goes out without one of our templates")
    elif own is None:
        faults.append(f"is set in `{stored.name if stored else 'no template'}`, which is none of ours")
    elif stored is not None and stored.body != own.body:
        faults.append(f"is set in `{own.name}`, which somebody altered in Listmonk (`pw leads templates` mends it)")
    if campaign.altbody and "UnsubscribeURL" not in campaign.altbody:
        faults.append("has a plain text without {{ UnsubscribeURL }}")
    if any(name.lower() in HEADERS for header in campaign.headers for name in header):
        faults.append("sets List-Unsubscribe headers of its own")
    said = f"{campaign.subject} {shown_text(campaign.body)} {campaign.altbody or ''}"
    return faults + [f"says `{words}`, the wording of a government notice" for words in notice_words(said)]


def _keep_one(listmonk: Listmonk, template: Template, stored: Sequence[StoredTemplate]) -> str:
    same = [each for each in stored if each.name == template.name]
    if not same:
        there.create_template(listmonk, template.name, template.body)
        return "created"
    if any(each.type != CAMPAIGN for each in same):
        return f"not kept: a template of type {same[0].type} has its name; rename that one in Listmonk"
    altered = [each for each in same if each.body != template.body]
    for each in altered:
        there.update_template(listmonk, each.id, template.name, template.body)
    return "updated" if altered else "unchanged"
