"""What a person needs to file an item by hand: a cover page in words, kept as evidence beside the documents."""

from __future__ import annotations

from pw_pipelines.fulfillment.facts import fact_of, facts, known_values
from pw_pipelines.fulfillment.model import Gate
from pw_pipelines.fulfillment.work import Work

RULE = "-" * 72


def packet_gate(work: Work, why: str) -> Gate:
    """The gate `packet`, its cover kept. Private values are not on it: the documents carry what is needed of them."""
    cover = _cover(work, why)
    digest = work.keep(
        cover.encode(), kind="packet", title=f"Cover: {work.item.title}", media_type="text/plain; charset=utf-8"
    )
    return Gate("packet", why, detail={"packet": digest})


def _cover(work: Work, why: str) -> str:
    item, playbook = work.item, work.playbook
    lines = [f"{item.title}", f"Order {item.order_number}, item {item.item_id}, for {item.subject}", RULE, why, ""]
    if playbook.filing is not None:
        portal = work.ground.filing.portal(playbook.filing.portal)
        lines += [f"Portal: {portal.title}", f"Address: {portal.url}", ""]
    if playbook.documents:
        lines += ["Documents in this packet:"]
        lines += [f"- {document.title}{' (signed)' if document.signed else ''}" for document in playbook.documents] + [
            ""
        ]
    with work.connect() as connection:
        values = known_values(connection, item.item_id)
    known = facts()
    lines += ["What is known:"]
    lines += [f"- {fact_of(name).ask} ({name}): {values[name]}" for name in sorted(values) if name in known]
    private = [name for name in playbook.facts if known[name].private]
    if private:
        lines += ["", "Kept encrypted, to be opened at the desk: " + ", ".join(private)]
    lines += [
        "", RULE, "Filed? Enter the portal's number at the desk and add its confirmation. If it is not certain whether",
        "it was filed, look it up on the portal first: nothing is filed twice.", "",
    ]  # fmt: skip
    return "\n".join(lines)
