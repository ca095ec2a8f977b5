"""Templates of our own letters: delivery, and the cover of a packet that a person files."""

from __future__ import annotations

from tools.templates.page import Page

SUBJECT = "{% if carrier_name %}{{ carrier_name }}{% elif company_name %}{{ company_name }}{% else %}you{% endif %}"


def delivery_letter() -> Page:
    page = Page("Your Order Is Done", firm=True, under="Order {{ order_number }} · {{ today }}")
    page.say(
        "Dear Customer:",
        "We have finished the following work for " + SUBJECT + ":",
    )
    page.table(
        ("Service", "{{ service_title }}", "service_title"),
        ("FRN", "{{ frn }}", "frn"),
        ("Confirmation number", "{{ confirmation_number }}", "confirmation_number"),
        ("Done", "{{ work_done }}", "work_done"),
        ("Documents", "{{ documents_listed }}", "documents_listed"),
    )
    page.say(
        "Please keep this letter and the documents that come with it: they prove what was filed, when and with which "
        "content. If something in them is not right, tell us at once; some filings may be corrected only for a short "
        "time.",
        "We watch the due dates that follow from this order and write to you before each of them.",
        "{{ firm_address }}",
    )
    page.note("{{ firm_name }} is a private compliance firm, not a law firm and not a government agency.")
    return page


def packet_cover() -> Page:
    page = Page("Filing Packet", firm=True, under="Order {{ order_number }} · prepared {{ today }}")
    page.banner("For the person who files. Nothing of this has been sent to any authority.")
    page.table(
        ("Service", "{{ service_title }}", "service_title"),
        ("For", SUBJECT),
        ("FRN", "{{ frn }}", "frn"),
        ("State", "{{ state }}", "state"),
        ("Why by hand", "{{ packet_why }}", "packet_why"),
        ("In this packet", "{{ documents_listed }}", "documents_listed"),
    )
    page.heading("Steps")
    page.step("Compare the documents with the order; what is missing or doubtful is asked of the customer first.")
    page.step("Look whether the same was filed already. What stands is not filed again.")
    page.step("File with the authority’s own form or portal. Keep every page and the confirmation.")
    page.step("Enter the confirmation number at the desk, with the confirmation as evidence.")
    page.heading("Filed")
    page.columns(("Day and hour", "Confirmation number", "By"), ("\n", "\n", "\n"), widths=(2.0, 2.8, 1.7))
    return page


MAKERS = {"delivery_letter": delivery_letter, "packet_cover": packet_cover}
