"""Playbooks: what is done for a service, stage by stage. `playbooks.yaml`, checked when it loads against the catalogue.

What a service is, costs, cures and renews stands in the catalogue; a playbook says how it is worked.
"""

from __future__ import annotations

from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from typing import Literal

from pydantic import Field, model_validator

from pw_pipelines.commerce.catalogue import Service, catalogue
from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.fulfillment.model import STAGES, Stage
from pw_pipelines.yaml_data import Strict, read_entries

FILE = "playbooks.yaml"
Signer = Literal["officer", "organizer", "director", "customer"]


class Document(Strict):
    """One document: `template` is its file in documents/templates; signed: the signer signs it."""

    template: str
    title: str
    signed: bool = True
    delivered: bool = True


class Filing(Strict):
    """What is filed.

    portal   file in filings/portals
    form     which of the portal's forms
    key      what is meant, once: names of facts in braces, such as `cpni:{frn}:{year}`
    also     keys of other filings that say the same, wholly or in part: once one of them is made, this one is not
    attach   templates whose (signed) PDFs are uploaded, in this order
    states   jurisdictions whose portal this is; empty: not a matter of states. Elsewhere a person files
    """

    portal: str
    form: str
    key: str
    also: tuple[str, ...] = ()
    attach: tuple[str, ...] = ()
    states: tuple[str, ...] = ()


class Playbook(Strict):
    """How one service is worked.

    procedure   whole: up to the filing and its confirmation. packet: everything up to a prepared packet, which a
                person files; `packet_why` says why, and the desk and the customer are told so. free: nothing is done
    packet_key  what is meant by a packet, once, as in Filing; without it a person alone sees to it
    facts       names of facts.yaml that must be known before anything is made
    ask_anew    facts that are never taken from the public record, since what stands there may be what is to be mended,
                and the signer answers for them
    perjury     the signer's statement under penalty of perjury (28 USC 1746)
    after       services whose filing for the same carrier or company must stand before this one is made
    cure_sources  sources whose next complete copies show whether the findings are cured
    """

    service: str
    procedure: Literal["whole", "packet", "free"]
    packet_why: str | None = None
    packet_key: str | None = None
    facts: tuple[str, ...] = ()
    ask_anew: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()
    signer: Signer | None = None
    perjury: bool = False
    filing: Filing | None = None
    after: tuple[str, ...] = ()
    delivery_words: str = Field(min_length=10)
    cure_sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _agrees(self) -> Playbook:
        if (self.procedure == "packet") != (self.packet_why is not None):
            raise ValueError("packet_why belongs to a procedure `packet`, and must be there")
        if any(document.signed for document in self.documents) != (self.signer is not None):
            raise ValueError("a signer and documents to be signed go together")
        if self.procedure == "packet" and self.filing is not None:
            raise ValueError("what a person files has no `filing`")
        if self.procedure != "packet" and self.packet_key is not None:
            raise ValueError("packet_key belongs to a procedure `packet`")
        known = {document.template for document in self.documents}
        if self.filing and (missing := set(self.filing.attach) - known):
            raise ValueError(f"filing.attach names documents that are not made: {', '.join(sorted(missing))}")
        return self

    @property
    def key(self) -> str | None:
        """What its filing means, once, whoever files it; None where nothing says so."""
        return self.filing.key if self.filing else self.packet_key

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that mean something for it, in order; the others are passed through."""
        skipped: set[str] = set()
        if not self.documents:
            skipped.add("documents")
        if self.signer is None:
            skipped.add("signature")
        if self.filing is None:
            skipped |= {"review", "confirm"}
            if self.procedure != "packet":
                skipped.add("file")
        return tuple(stage for stage in STAGES if stage not in skipped)


@lru_cache(maxsize=1)
def playbooks() -> dict[str, Playbook]:
    """Every playbook by its service. Raises ConfigError naming the playbook and the field that is wrong."""
    text = (resources.files("pw_pipelines.fulfillment") / FILE).read_text(encoding="utf-8")
    return parse_playbooks(text, catalogue())


def parse_playbooks(text: str, services: dict[str, Service]) -> dict[str, Playbook]:
    """Playbooks from YAML text; each service that is not made of others must have one."""
    found = read_entries(text, Playbook, file=f"fulfillment/{FILE}", key="service", what="playbooks")
    wanted = {code for code, service in services.items() if not service.includes}
    if missing := sorted(wanted - found.keys()):
        raise ConfigError(f"fulfillment/{FILE}: no playbook for {', '.join(missing)}.")
    if unknown := sorted(found.keys() - services.keys()):
        raise ConfigError(f"fulfillment/{FILE}: the catalogue has no {', '.join(unknown)}.")
    try:
        TopologicalSorter({code: book.after for code, book in found.items()}).prepare()
    except CycleError as circle:
        raise ConfigError(f"fulfillment/{FILE}: `after` goes in a circle: {' after '.join(circle.args[1])}.") from None
    if strangers := sorted({name for book in found.values() for name in book.after} - found.keys()):
        raise ConfigError(f"fulfillment/{FILE}: `after` names services without a playbook: {', '.join(strangers)}.")
    return found


def playbook_of(service: str, state: str | None = None) -> Playbook:
    """The playbook of a service; in a state whose portal is not on record, the one by which a person files it.

    Raises UsageError when there is none.
    """
    try:
        found = playbooks()[service]
    except KeyError:
        raise UsageError(f"{service!r} has no playbook in fulfillment/{FILE}.") from None
    if found.filing is None or not found.filing.states or state in found.filing.states:
        return found
    why = f"The portal of {state or 'an unnamed state'} is not on record; a person files it with the packet prepared."
    return found.model_copy(
        update={"procedure": "packet", "packet_why": why, "packet_key": found.filing.key, "filing": None}
    )
