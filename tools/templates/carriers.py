"""Templates of what carriers file elsewhere than in the databases of fcc.py: Form 499, section 214, OCN, states."""

from __future__ import annotations

from tools.templates.fcc import CONTACT, carrier
from tools.templates.page import Page

CERTIFIED = (
    "I certify that I am an officer of the company named above, that I have examined this document and that, to the "
    "best of my knowledge, information and belief, all statements of fact in it are true and that it is an accurate "
    "statement of the affairs of the company for the period shown."
)
BY_HAND = (
    "A person of {{ firm_name }} files this on the agency’s own form or portal; this document is the basis for it."
)


def form_499a_worksheet() -> Page:
    page = Page(
        "Form 499-A Worksheet {{ year }}",
        under="Telecommunications Reporting Worksheet · revenue of {{ prior_year }} · 47 CFR § 54.711",
    )
    page.article("Filer")
    page.table(
        *carrier(
            ("Telephone", "{{ carrier_phone }}"),
            ("Principal communications type", "{{ comm_type }}"),
            ("Agent for service of process in the District of Columbia", "{{ dc_agent_name }}"),
        )
    )
    page.article("Contact")
    page.table(*CONTACT)
    page.article("Revenue of {{ prior_year }}, in U.S. dollars")
    page.columns(
        ("What", "Amount"),
        ("Total revenue", "{{ revenue_total }}"),
        ("End-user telecommunications revenue", "{{ revenue_end_user }}"),
        ("of which interstate", "{{ revenue_interstate }}"),
        ("of which international", "{{ revenue_international }}"),
        widths=(4.4, 2.1),
    )
    page.note(
        "Figures as the company stated them. They are entered on the lines of the current Form 499-A according to its "
        "instructions; the form is due on April 1."
    )
    page.article("Certification of the officer")
    page.say(
        CERTIFIED,
        "I acknowledge that persons who willfully make false statements in the worksheet can be punished by fine or "
        "imprisonment under Title 18 of the U.S. Code.",
    )
    page.signature()
    return page


def form_499a_engagement() -> Page:
    page = Page(
        "Engagement Letter: Form 499-A for {{ year }}", firm=True, under="Order {{ order_number }} · {{ today }}"
    )
    page.say(
        "{{ contact_name }}\n{{ carrier_name }}\n{{ carrier_street }}\n"
        "{{ carrier_city }}, {{ carrier_state }} {{ carrier_zip }}"
    )
    page.article("What we do")
    page.say(
        "{{ firm_name }} prepares the FCC Form 499-A (Telecommunications Reporting Worksheet) for {{ carrier_name }}, "
        "FRN {{ frn }}, reporting the revenue of calendar year {{ prior_year }}, and submits it to the Universal "
        "Service Administrative Company through its filing system after your officer has certified it."
    )
    page.article("What we rely on")
    page.say(
        "We enter the figures you give us. We do not audit them, and we are not a law or accounting firm. Your officer "
        "certifies that they are true, and you keep the records that support them for the time the rules require."
    )
    page.article("What you do")
    page.clause("Give complete and true answers, and tell us at once when one of them changes.")
    page.clause("Have an officer sign the worksheet in time. The form is due on April 1.")
    page.clause("Pay the contributions and fees the Administrator bills you; our price covers none of them.")
    page.article("Authority")
    page.say(
        "You authorize us to act as your preparer for this filing: to enter, save and submit it, to receive notices "
        "about it, and to answer the Administrator’s questions on it. The authority ends when the filing is accepted."
    )
    page.article("Revisions")
    page.say(
        "Corrections that lower your contribution are accepted within one year of the original due date. We make one "
        "correction of our own errors without charge."
    )
    page.article("Agreed")
    page.say("{{ firm_name }} is bound by this letter from {{ today }}; {{ carrier_name }} by the signature below.")
    page.signature(whose="For {{ carrier_name }}")
    return page


def form_499q_worksheet() -> Page:
    page = Page("Form 499-Q Worksheet {{ quarter }}", under="Quarterly worksheet · 47 CFR § 54.711")
    page.article("Filer")
    page.table(*carrier())
    page.article("Contact")
    page.table(*CONTACT)
    page.article("Revenue, in U.S. dollars")
    page.columns(
        ("What", "Amount"),
        ("Revenue of {{ quarter }}", "{{ revenue_total }}"),
        ("Projected collected interstate and international revenue of the next quarter", "{{ revenue_projected }}"),
        widths=(4.4, 2.1),
    )
    page.note("The form is due on February 1, May 1, August 1 and November 1; a revision within 45 days of that day.")
    page.article("Certification of the officer")
    page.say(CERTIFIED)
    page.signature()
    return page


def form_499_registration() -> Page:
    page = Page("Form 499 Initial Registration", under="47 CFR §§ 64.1195 and 54.711 · {{ year }}")
    page.article("Filer")
    page.table(
        *carrier(
            ("Telephone", "{{ carrier_phone }}"),
            ("Principal communications type", "{{ comm_type }}"),
            ("First day of service", "{{ first_service_date }}"),
            ("Agent for service of process in the District of Columbia", "{{ dc_agent_name }}"),
        )
    )
    page.article("Contact")
    page.table(*CONTACT)
    page.article("Certification of the officer")
    page.say(CERTIFIED, BY_HAND)
    page.signature()
    return page


def discontinuance_application() -> Page:
    page = Page(
        "Application to Discontinue Service",
        under="Section 214(a) of the Communications Act · 47 CFR § 63.71 · {{ year }}",
    )
    page.say(
        "Before the Federal Communications Commission, Washington, DC 20554. {{ carrier_name }} asks for authority "
        "under section 214(a) of the Communications Act of 1934, as amended, and 47 CFR § 63.71 to discontinue the "
        "domestic service described here."
    )
    page.article("Applicant")
    page.table(*carrier())
    page.article("Correspondence")
    page.table(*CONTACT)
    page.article("Service to be discontinued")
    page.quote("{{ service_description }}")
    page.article("Date, area and customers")
    page.table(
        ("Planned date of discontinuance", "{{ discontinue_on }}"),
        ("States affected", "{{ affected_states }}"),
        ("Customers affected", "{{ affected_customers }}"),
    )
    page.article("Notice to customers and authorities")
    page.say(
        "On {{ notified_on }} the applicant notified all affected customers of the planned discontinuance; a copy of "
        "the notice is attached. The applicant gives notice of this application, with a copy, to the public utility "
        "commission and the Governor of each State affected, to Tribal governments with authority over Tribal lands "
        "in the area, and to the Special Assistant for Telecommunications at the Department of Defense, as 47 CFR § "
        "63.71 requires."
    )
    page.article("Public convenience and necessity")
    page.say(
        "The applicant submits that neither present nor future public convenience and necessity will be adversely "
        "affected, and asks that the application be granted."
    )
    page.article("Verification")
    page.say(
        "I am an officer of the applicant. I declare under penalty of perjury under the laws of the United States of "
        "America that the statements in this application are true and correct to the best of my knowledge and belief."
    )
    page.signature()
    page.note("Attachment: notice to customers.")
    return page


def customer_notice() -> Page:
    page = Page("Notice of Discontinuance of Service", under="47 CFR § 63.71(a) · {{ notified_on }}")
    page.say(
        "Dear Customer:",
        "{{ carrier_name }} ({{ carrier_street }}, {{ carrier_city }}, {{ carrier_state }} {{ carrier_zip }}) plans to "
        "discontinue the following service on or after {{ discontinue_on }}, subject to approval by the Federal "
        "Communications Commission. The service is offered in: {{ affected_states }}.",
    )
    page.quote("{{ service_description }}")
    page.say(
        "The FCC will normally authorize this proposed discontinuance of service (or reduction or impairment) unless "
        "it is shown that customers would be unable to receive service or a reasonable substitute from another "
        "carrier or that the public convenience and necessity is otherwise adversely affected. If you wish to object, "
        "you should file your comments as soon as possible, but no later than 15 days after the Commission releases "
        "public notice of the proposed discontinuance. You may file your comments electronically through the FCC’s "
        "Electronic Comment Filing System using the docket number established in the Commission’s public notice for "
        "this proceeding, or you may address them to the Federal Communications Commission, Wireline Competition "
        "Bureau, Competition Policy Division, Washington, DC 20554, and include in your comments a reference to the § "
        "63.71 Application of {{ carrier_name }}. Comments should include specific information about the impact of "
        "this proposed discontinuance (or reduction or impairment) upon you or your company, including any inability "
        "to acquire reasonable substitute service.",
        "Questions: {{ contact_name }}, {{ contact_phone }}, {{ contact_email }}.",
    )
    page.say("{{ contact_name }}\n{{ carrier_name }}")
    return page


def ocn_application() -> Page:
    page = Page("Request for an Operating Company Number", under="NECA company code · application worksheet")
    page.table(*carrier(("Telephone", "{{ carrier_phone }}"), ("Principal communications type", "{{ comm_type }}")))
    page.heading("Contact")
    page.table(*CONTACT)
    page.heading("Request")
    page.say(
        "{{ carrier_name }} asks the National Exchange Carrier Association to assign it a company code (Operating "
        "Company Number) in the category of its principal communications type. The code is needed for its filing in "
        "the Robocall Mitigation Database and for an SPC token.",
        BY_HAND,
    )
    page.signature()
    return page


def agent_designation() -> Page:
    page = Page("Designation of Agent for Service of Process", under="47 U.S.C. § 413 · 47 CFR § 1.47(h)")
    page.table(*carrier(("Agent in the District of Columbia", "{{ dc_agent_name }}")))
    page.say(
        "{{ carrier_name }} designates the agent named above as its agent in the District of Columbia, upon whom "
        "service of all notices and process and all orders, decisions and requirements of the Federal Communications "
        "Commission may be made for and on its behalf in any proceeding or suit pending before the Commission.",
        BY_HAND,
    )
    page.signature()
    return page


def section_214_application() -> Page:
    page = Page("Application for International Section 214 Authority", under="47 U.S.C. § 214 · 47 CFR § 63.18")
    page.table(*carrier())
    page.heading("Contact")
    page.table(*CONTACT)
    page.heading("Ownership: principals, affiliates, subsidiaries, parent companies")
    page.quote("{{ affiliates }}")
    page.heading("Still to be stated on the Commission’s form")
    page.points(
        "Type of authority: global facilities-based, resale, or both.",
        "Owners of ten percent or more, with citizenship and principal business.",
        "Interlocking directorates with foreign carriers, and foreign affiliations.",
        "The certifications of § 63.18, and those on foreign adversaries.",
    )
    page.say(BY_HAND)
    page.signature()
    return page


def puc_application() -> Page:
    page = Page("State Commission Registration: {{ state }}", under="Public utility commission · application worksheet")
    page.table(*carrier())
    page.heading("Contact")
    page.table(*CONTACT)
    page.heading("Request")
    page.say(
        "{{ carrier_name }} asks the public utility commission of {{ state }} for the registration or certificate its "
        "services need there.",
        BY_HAND,
    )
    page.signature()
    return page


def reinstatement_request() -> Page:
    page = Page("Request for Return to the Robocall Mitigation Database", under="47 CFR § 64.6305 · {{ year }}")
    page.say("To the Enforcement Bureau and the Wireline Competition Bureau, Federal Communications Commission.")
    page.table(*carrier())
    page.article("Request")
    page.say(
        "The filing of {{ carrier_name }} was removed from the Robocall Mitigation Database. The company asks for the "
        "consent of both Bureaus to file again. A corrected certification and a mitigation plan accompany this request."
    )
    page.article("What the company does now")
    page.quote("{{ mitigation_measures }}")
    page.say("How it knows its customers and upstream providers:")
    page.quote("{{ know_your_customer }}")
    page.article("Investigations of the last two years")
    page.quote("{{ investigations }}")
    page.article("Contact")
    page.table(*CONTACT)
    page.article("Declaration")
    page.say(
        "I declare under penalty of perjury under the laws of the United States of America that the foregoing is true "
        "and correct. (28 U.S.C. § 1746.)"
    )
    page.signature()
    return page


MAKERS = {
    "form_499a_worksheet": form_499a_worksheet,
    "form_499a_engagement": form_499a_engagement,
    "form_499q_worksheet": form_499q_worksheet,
    "form_499_registration": form_499_registration,
    "discontinuance_application": discontinuance_application,
    "customer_notice": customer_notice,
    "ocn_application": ocn_application,
    "agent_designation": agent_designation,
    "section_214_application": section_214_application,
    "puc_application": puc_application,
    "reinstatement_request": reinstatement_request,
}
