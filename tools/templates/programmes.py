"""Templates of privacy and telemarketing programmes: sound starting texts that a person finishes with the customer."""

from __future__ import annotations

from tools.templates.companies import COMPANY
from tools.templates.page import Page

DRAFT = "Draft for review: prepared from the facts on order, to be completed with the company before it is used."
REACH = "{{ contact_name }}, {{ contact_phone }}, {{ contact_email }}"


def _page(title: str, under: str) -> Page:
    page = Page(title, subject="company_name", under=under)
    page.banner(DRAFT)
    return page


def privacy_policy() -> Page:
    page = _page("Privacy Policy", "{{ company_name }}")
    page.article("Who we are")
    page.say("This policy says how {{ company_name }} handles personal information. Questions: " + REACH + ".")
    page.article("What we collect, and why")
    page.points(
        "What you give us: name, address, telephone number, e-mail address, payment details; to provide our services.",
        "What arises from use: records of calls, connections, devices and visits; to run, bill and protect the "
        "services.",
        "What others give us: credit and identity checks where the law allows them.",
    )
    page.article("With whom we share it")
    page.say(
        "With providers who work for us under contract, with authorities where the law obliges us, and with others "
        "only with your consent."
    )
    page.article("Your rights")
    page.say(
        "Depending on the state you live in you may ask to know, correct, delete or receive your personal "
        "information, and to opt out of its sale, of its sharing for targeted advertising and of profiling. We answer "
        "within the time your state’s law sets and do not treat you worse for asking. If we refuse you may appeal."
    )
    page.article("Keeping and protecting it")
    page.say(
        "We keep personal information no longer than its purpose or the law requires and protect it by reasonable "
        "security measures."
    )
    page.article("Changes")
    page.say("Changes to this policy are shown here with their date: {{ today }}.")
    page.signature()
    return page


def data_inventory() -> Page:
    page = _page("Data Inventory", "State privacy laws · {{ company_name }}")
    page.say("One line for each kind of personal information. Filled in with the person responsible: " + REACH + ".")
    page.columns(
        ("Kind of information", "Source", "Purpose", "Shared with", "Kept for"),
        ("Account and contact data", "", "", "", ""),
        ("Billing and payment data", "", "", "", ""),
        ("Call and connection records", "", "", "", ""),
        ("Website and device data", "", "", "", ""),
        ("Employee data", "", "", "", ""),
        widths=(1.9, 1.1, 1.3, 1.2, 1.0),
    )
    page.signature()
    return page


def request_procedure() -> Page:
    page = _page("Procedure for Privacy Requests", "State privacy laws · {{ company_name }}")
    page.article("Receiving")
    page.clause(
        "Requests are taken by every channel the privacy policy names and written into the register the same day."
    )
    page.clause("Responsible: " + REACH + ".")
    page.article("Verifying")
    page.clause("Identity is verified to the degree the information is sensitive, with no more data than that needs.")
    page.article("Answering")
    page.clause("Within the time the requester’s state sets; an extension is told before it is used.")
    page.clause("A refusal states its reason and how to appeal.")
    page.article("Records")
    page.clause("Requests, answers and their dates are kept for the time the law requires, and nothing beyond.")
    page.signature()
    return page


def data_broker_registration() -> Page:
    page = Page("Data Broker Registration Worksheet", subject="company_name", under="State of {{ state }} · {{ year }}")
    page.table(*COMPANY, ("Contact", REACH))
    page.heading("Still to be stated")
    page.points(
        "Kinds of personal information collected, and whether of minors, location or health.",
        "How consumers opt out, and what they cannot opt out of.",
        "Security breaches of the year, where the state asks for them.",
    )
    page.say("A person of {{ firm_name }} files this with {{ state }}; this document is the basis for it.")
    page.signature()
    return page


def tcpa_policy() -> Page:
    page = _page("TCPA Compliance Policy", "47 U.S.C. § 227 · 47 CFR § 64.1200 · {{ company_name }}")
    page.article("Scope")
    page.say("This policy applies to every call and text message made by or for {{ company_name }}.")
    page.article("Consent")
    page.clause(
        "Telemarketing with an autodialer or an artificial or prerecorded voice needs prior express written "
        "consent; other such calls to wireless numbers need prior express consent."
    )
    page.clause("Consent is recorded with its text, time and source, and may be withdrawn by any reasonable means.")
    page.article("Do not call")
    page.clause("Numbers are compared with the national registry and our own list before each campaign.")
    page.article("Hours and identification")
    page.clause("No telephone solicitation before 8 a.m. or after 9 p.m. at the called party’s place.")
    page.clause("Callers give their name, the name of {{ company_name }} and a number or address to reach it.")
    page.article("Vendors, training, records")
    page.clause("Vendors are bound to this policy by contract and checked. Personnel are trained before they call.")
    page.clause("Records of consent, opt-outs and campaigns are kept. Responsible: " + REACH + ".")
    page.signature()
    return page


def consent_language() -> Page:
    page = _page("Consent Language", "47 CFR § 64.1200(f) · {{ company_name }}")
    page.heading("For web forms and paper")
    page.quote(
        "By entering my number and signing or ticking this box I agree that {{ company_name }} may call and text me "
        "at that number with marketing messages, also by automated technology and prerecorded voice. I need not agree "
        "in order to buy anything. I can withdraw at any time by any reasonable means, for example by replying STOP."
    )
    page.heading("Conditions of use")
    page.points(
        "The text stands next to the button, is readable on a phone and is not ticked beforehand.",
        "What was shown, when, to whom and from which address is recorded.",
    )
    page.say("Contact: " + REACH + ".")
    page.signature()
    return page


def do_not_call_policy() -> Page:
    page = _page("Do-Not-Call Policy", "47 CFR § 64.1200(d) · {{ company_name }}")
    page.step("This written policy is available on demand.")
    page.step("Personnel who make calls are informed of and trained in the list and its use.")
    page.step("A request not to be called is recorded at once and honored within a reasonable time.")
    page.step(
        "Requests also bind those who call for {{ company_name }}, and its affiliates as the called party would expect."
    )
    page.step("Callers give their name, the name of {{ company_name }} and a number or address to reach it.")
    page.step("Responsible: " + REACH + ".")
    page.signature()
    return page


def review_memorandum() -> Page:
    page = Page(
        "Review of Consent Language and Calling Practice",
        subject="company_name",
        under="47 U.S.C. § 227 · 47 CFR § 64.1200 · {{ today }}",
    )
    page.banner("Outline: the findings are entered by a person of {{ firm_name }}. This is not legal advice.")
    page.table(("Company", "{{ company_name }}"), ("Contact", REACH))
    for topic in (
        "Consent texts in use",
        "Proof and records of consent",
        "Revocation",
        "Do-not-call lists",
        "Calling hours and identification",
        "Vendors",
    ):
        page.article(topic)
        page.say("Finding:", "Recommendation:")
    page.hand_signature("", "{{ firm_name }}")
    return page


def telemarketer_application() -> Page:
    page = Page(
        "Telemarketer Registration Worksheet", subject="company_name", under="State of {{ state }} · {{ year }}"
    )
    page.table(*COMPANY, ("Contact", REACH))
    page.heading("Still to be stated")
    page.points(
        "Principals and salespersons, with what the state asks of them.",
        "Goods or services, scripts and places of calling.",
        "Bond, where the state asks for one.",
    )
    page.say("A person of {{ firm_name }} files this with {{ state }}; this document is the basis for it.")
    page.signature()
    return page


MAKERS = {
    "privacy_policy": privacy_policy,
    "data_inventory": data_inventory,
    "request_procedure": request_procedure,
    "data_broker_registration": data_broker_registration,
    "tcpa_policy": tcpa_policy,
    "consent_language": consent_language,
    "do_not_call_policy": do_not_call_policy,
    "review_memorandum": review_memorandum,
    "telemarketer_application": telemarketer_application,
}
