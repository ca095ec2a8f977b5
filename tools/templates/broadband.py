"""Templates of the Broadband Data Collection."""

from __future__ import annotations

from tools.templates.fcc import CONTACT, carrier
from tools.templates.page import Page

CORPORATE = (
    "I am an officer of {{ carrier_name }}. I certify that I have examined the submission and that, to the best of my "
    "actual knowledge, information and belief, all statements of fact in it are true and correct (47 CFR § 1.7004)."
)
FILE = "The data file itself is uploaded with this certification; its digest is kept with the filing."


def _page(title: str, law: str) -> Page:
    page = Page(title, under=f"Broadband Data Collection · data as of {{{{ vintage }}}} · {law}")
    page.table(*carrier())
    page.heading("Contact")
    page.table(*CONTACT)
    return page


def bdc_voice_file() -> Page:
    page = _page("Voice Subscription: Certification", "47 CFR § 1.7001 and § 43.11")
    page.heading("Voice lines in service")
    page.columns(
        ("Class", "Lines"),
        ("Residential", "{{ voice_lines_residential }}"),
        ("Business", "{{ voice_lines_business }}"),
        widths=(4.4, 2.1),
    )
    page.heading("Certification of the officer")
    page.say(CORPORATE, FILE)
    page.signature()
    return page


def bdc_availability_file() -> Page:
    page = _page("Broadband Availability: Certification", "47 CFR §§ 1.7001–1.7004")
    page.heading("What is submitted")
    page.table(("Technologies", "{{ technologies }}"), ("Certifying engineer", "{{ engineer_name }}"))
    page.say(
        "The availability data name every location at which the company has actually built out its network and can "
        "begin service, with the technology and the maximum advertised speeds, as 47 CFR § 1.7004 requires."
    )
    page.heading("Certification of the officer")
    page.say(CORPORATE, FILE)
    page.signature()
    return page


def bdc_subscription_file() -> Page:
    page = _page("Broadband Subscription: Certification", "FCC Form 477 data · 47 CFR § 1.7001 and § 43.11")
    page.heading("What is submitted")
    page.table(
        ("Broadband connections in service", "{{ broadband_connections }}"), ("Technologies", "{{ technologies }}")
    )
    page.heading("Certification of the officer")
    page.say(CORPORATE, FILE)
    page.signature()
    return page


def bdc_engineering_certification() -> Page:
    page = _page("Engineering Certification", "47 CFR § 1.7004")
    page.heading("Engineer")
    page.table(("Name", "{{ engineer_name }}"), ("Technologies", "{{ technologies }}"))
    page.heading("Certification of the engineer")
    page.say(
        "I, {{ engineer_name }}, am a certified professional engineer, or a corporate engineering officer with a "
        "direct knowledge of and responsibility for the network design and construction of {{ carrier_name }}. I have "
        "examined the availability data as of {{ vintage }}. To the best of my actual knowledge, information and "
        "belief, all statements in them are true and correct and in accordance with the company’s ordinary course of "
        "network design and engineering."
    )
    page.hand_signature("{{ engineer_name }}", "Certifying engineer")
    page.heading("Submitted for the company by")
    page.signature()
    return page


MAKERS = {
    "bdc_voice_file": bdc_voice_file,
    "bdc_availability_file": bdc_availability_file,
    "bdc_subscription_file": bdc_subscription_file,
    "bdc_engineering_certification": bdc_engineering_certification,
}
