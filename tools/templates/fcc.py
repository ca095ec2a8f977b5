"""Templates of filings with the Federal Communications Commission: robocalls, CPNI, STIR/SHAKEN, CALEA."""

from __future__ import annotations

from tools.templates.page import Page

ADDRESS = "{{ carrier_street }}, {{ carrier_city }}, {{ carrier_state }} {{ carrier_zip }}"
CONTACT = (
    ("Contact", "{{ contact_name }}"),
    ("Telephone", "{{ contact_phone }}"),
    ("E-mail", "{{ contact_email }}"),
)


def carrier(*more: tuple[str, str] | tuple[str, str, str]) -> list[tuple[str, str] | tuple[str, str, str]]:
    """The rows that say who the carrier is."""
    return [
        ("Legal name", "{{ carrier_name }}"),
        ("Other business names", "{{ carrier_dba }}", "carrier_dba"),
        ("Former business names", "{{ previous_names }}", "previous_names"),
        ("FRN", "{{ frn }}"),
        ("Form 499 Filer ID", "{{ form_499_id }}", "form_499_id"),
        ("Address", ADDRESS, "carrier_street and carrier_city and carrier_state and carrier_zip"),
        *more,
    ]


def perjury(page: Page, who: str = "the company named above") -> None:
    """28 U.S.C. 1746, as 47 CFR 1.16 takes it up."""
    page.say(
        f"I am an officer of {who} and am authorized to make this certification on its behalf. I declare under penalty "
        "of perjury under the laws of the United States of America that the foregoing is true and correct. "
        "(28 U.S.C. § 1746; 47 CFR § 1.16.)",
        "I understand that false or inaccurate information in the Robocall Mitigation Database is subject to "
        "forfeiture, and that false statements to the Commission are punishable under Title 18 of the U.S. Code.",
    )


def rmd_certification() -> Page:
    page = Page(
        "Robocall Mitigation Certification",
        under="Robocall Mitigation Database · 47 CFR § 64.6305 · Year {{ year }}",
    )
    page.table(
        *carrier(
            ("Country", "{{ carrier_country }}", "carrier_country"),
            ("Operating Company Number", "{% if ocn %}{{ ocn }}{% else %}None assigned{% endif %}"),
            ("Foreign voice service provider", "{{ is_foreign }}", "is_foreign"),
        )
    )
    page.article("Role in the call path")
    page.boxes(
        ('is_voice_provider == "yes"', "Voice service provider, 47 CFR § 64.6305(d)"),
        ('is_gateway == "yes"', "Gateway provider, 47 CFR § 64.6305(e)"),
        ('is_intermediate == "yes"', "Non-gateway intermediate provider, 47 CFR § 64.6305(f)"),
    )
    page.article("STIR/SHAKEN implementation")
    with page.when('implementation == "complete"'):
        page.say(
            "Complete. The company certifies that it has fully implemented the STIR/SHAKEN call authentication "
            "framework across its entire network, to the extent 47 CFR §§ 64.6301 and 64.6302 require it of the roles "
            "above."
        )
        page.otherwise('implementation == "partial"')
        page.say(
            "Partial. The company certifies that it has implemented the STIR/SHAKEN call authentication framework on "
            "a portion of its network, and that calls on the portion where it is not implemented are subject to a "
            "robocall mitigation program."
        )
        page.otherwise()
        page.say(
            "None. The company certifies that it has not implemented the STIR/SHAKEN call authentication framework on "
            "any portion of its network, and that all calls it originates or carries are subject to a robocall "
            "mitigation program."
        )
    with page.when("stir_exemption"):
        page.say("Rule on which the company relies for what is not implemented: {{ stir_exemption }}")
    page.article("Robocall mitigation")
    page.say(
        "All calls that the company originates, carries or processes are subject to its robocall mitigation program, "
        "which its mitigation plan in the Robocall Mitigation Database describes. The program includes reasonable "
        "steps to avoid originating, carrying or processing illegal robocall traffic."
    )
    page.article("Traceback")
    page.say(
        "The company commits to respond fully to all traceback requests from the Commission, law enforcement and the "
        "registered industry traceback consortium within 24 hours of the request, and to cooperate with them in "
        "investigating and stopping illegal robocallers that use its service."
    )
    page.article("Investigations and affiliates")
    with page.when("investigations"):
        page.say("Formal actions and investigations of the last two years concerning illegal robocalls:")
        page.quote("{{ investigations }}")
    with page.when("affiliates"):
        page.say("Principals, affiliates, subsidiaries and parent companies:")
        page.quote("{{ affiliates }}")
    with page.when("not investigations and not affiliates"):
        page.say("As stated in the company’s filing in the Robocall Mitigation Database, which remains accurate.")
    page.article("Contact for robocall mitigation")
    page.table(
        ("Name", "{{ contact_name }}"),
        ("Title", "{{ contact_title }}"),
        ("Department", "{{ contact_department }}", "contact_department"),
        ("Telephone", "{{ contact_phone }}"),
        ("E-mail", "{{ contact_email }}"),
    )
    page.article("Undertakings")
    page.say(
        "The company will update its filing within 10 business days of any change to the information it gave, and will "
        "recertify by March 1 of each year that its filing is true and correct (47 CFR § 64.6305(h))."
    )
    page.article("Declaration")
    perjury(page)
    page.signature()
    return page


def robocall_mitigation_plan() -> Page:
    page = Page(
        "Robocall Mitigation Plan",
        under="Filed in the Robocall Mitigation Database under 47 CFR § 64.6305 · Year {{ year }}",
    )
    page.table(*carrier())
    page.article("Scope")
    page.say(
        "This plan describes the reasonable steps {{ carrier_name }} takes to avoid originating, carrying or "
        "processing illegal robocall traffic. It applies to all calls the company originates, carries or processes in "
        "each of these roles:"
    )
    page.boxes(
        ('is_voice_provider == "yes"', "Voice service provider"),
        ('is_gateway == "yes"', "Gateway provider"),
        ('is_intermediate == "yes"', "Non-gateway intermediate provider"),
    )
    page.article("Call authentication")
    page.table(("STIR/SHAKEN", "{{ implementation }}"), ("Rule relied on", "{{ stir_exemption }}", "stir_exemption"))
    page.article("Measures against illegal robocalls")
    page.quote("{{ mitigation_measures }}")
    page.article("Knowing customers and upstream providers")
    page.quote("{{ know_your_customer }}")
    page.say(
        "The company accepts calls directly from another provider only if that provider’s filing appears in the "
        "Robocall Mitigation Database (47 CFR § 64.6305(g))."
    )
    page.article("Call analytics")
    page.quote("{{ analytics }}")
    page.article("Response to traceback requests")
    page.say(
        "The company responds fully to all traceback requests from the Commission, law enforcement and the registered "
        "industry traceback consortium within 24 hours, and cooperates in investigating and stopping illegal "
        "robocallers that use its service to originate, carry or process calls."
    )
    with page.when('is_gateway == "yes"'):
        page.article("Calls from abroad")
        page.say(
            "As a gateway provider the company applies the measures above to foreign-originated calls carrying U.S. "
            "numbers in the caller ID field before it passes them on."
        )
    page.article("Investigations and affiliates")
    page.say("Formal actions and investigations of the last two years concerning illegal robocalls:")
    page.quote("{{ investigations }}")
    page.say("Principals, affiliates, subsidiaries and parent companies:")
    page.quote("{{ affiliates }}")
    page.article("Responsibility and review")
    page.say(
        "{{ contact_name }}, {{ contact_title }} ({{ contact_phone }}, {{ contact_email }}) is responsible for this "
        "plan. The company reviews it at least once a year before it recertifies by March 1, and updates its filing "
        "within 10 business days of a change."
    )
    page.article("Adoption")
    page.say("Adopted for the company by:")
    page.signature()
    return page


def cpni_certificate() -> Page:
    page = Page(
        "Annual CPNI Certification for {{ year }}",
        under="EB Docket No. 06-36 · 47 CFR § 64.2009(e) · covering calendar year {{ prior_year }}",
    )
    page.table(*carrier(("Name of signatory", "{{ signer_name }}"), ("Title of signatory", "{{ signer_title }}")))
    page.heading("Certification")
    page.say(
        "I, {{ signer_name }}, certify that I am an officer of the company named above and, acting as an agent of the "
        "company, that I have personal knowledge that the company has established operating procedures that are "
        "adequate to ensure compliance with the Commission’s rules on customer proprietary network information "
        "(CPNI), 47 CFR § 64.2001 et seq.",
        "Attached to this certification is a statement explaining how the company’s procedures ensure that the company "
        "is in compliance with the requirements of those rules.",
    )
    page.heading("Actions against data brokers in {{ prior_year }}")
    page.quote("{{ data_broker_actions }}")
    page.heading("Customer complaints about unauthorized release of CPNI in {{ prior_year }}")
    page.quote("{{ cpni_complaints }}")
    page.heading("Representations")
    page.say(
        "The company represents and warrants that this certification is consistent with 47 CFR § 1.17, which requires "
        "truthful and accurate statements to the Commission. The company acknowledges that false statements and "
        "misrepresentations to the Commission are punishable under Title 18 of the U.S. Code and may subject it to "
        "enforcement action.",
    )
    page.signature()
    return page


def cpni_statement() -> Page:
    page = Page(
        "Statement of CPNI Procedures",
        under="Attachment to the annual CPNI certification for {{ year }} · 47 CFR §§ 64.2001–64.2011",
    )
    page.table(*carrier())
    page.article("Purpose")
    page.say(
        "This statement explains how the operating procedures of {{ carrier_name }} ensured in calendar year "
        "{{ prior_year }} that it complied with the Commission’s rules on customer proprietary network information "
        "(CPNI)."
    )
    page.article("The company’s procedures")
    page.quote("{{ cpni_procedures }}")
    page.article("Use of CPNI for marketing")
    with page.when('uses_cpni_for_marketing == "yes"'):
        page.say(
            "The company uses CPNI for marketing that requires the customer’s approval. It obtains that approval and "
            "gives the notices the rules require (47 CFR §§ 64.2007 and 64.2008), keeps the status of each "
            "customer’s approval so that it is known before CPNI is used, records its campaigns, and subjects outbound "
            "marketing requests to supervisory review (47 CFR § 64.2009)."
        )
        page.otherwise()
        page.say("The company does not use CPNI for marketing that requires the customer’s approval.")
    page.article("Safeguards")
    page.points(
        "Before call detail records or account access are given, customers are authenticated as 47 CFR § 64.2010 "
        "requires for contacts by telephone, online and in person.",
        "Customers are told of changes to passwords, back-up authentication, online accounts and addresses of record.",
        "Personnel are trained when they may and when they may not use CPNI; an express disciplinary process is in "
        "place.",
    )
    page.article("Breaches")
    page.say("Breaches of customers’ information are reported and recorded as 47 CFR § 64.2011 requires.")
    page.article("Events of {{ prior_year }}")
    page.say("Actions taken against data brokers:")
    page.quote("{{ data_broker_actions }}")
    page.say("Customer complaints concerning the unauthorized release of CPNI:")
    page.quote("{{ cpni_complaints }}")
    page.say("This statement is part of the company’s certification and is made by the officer who signs that.")
    page.signature()
    return page


def stir_shaken_plan() -> Page:
    page = Page("STIR/SHAKEN Implementation Plan", under="47 CFR §§ 64.6301–64.6304 · Year {{ year }}")
    page.table(
        *carrier(
            ("Operating Company Number", "{% if ocn %}{{ ocn }}{% else %}None assigned{% endif %}"),
            ("Implementation today", "{{ implementation }}"),
            ("Signs with a certificate of its own", "{{ own_certificate }}"),
        )
    )
    page.article("Obligations by role")
    page.boxes(
        ('is_voice_provider == "yes"', "Voice service provider: in force since June 30, 2021 (§ 64.6303(a))"),
        ('is_gateway == "yes"', "Gateway provider: in force since June 30, 2023 (§ 64.6303(b))"),
        (
            'is_intermediate == "yes"',
            "Non-gateway intermediate provider that receives calls directly from the originating provider: in force "
            "since December 31, 2023 (§ 64.6303(c))",
        ),
    )
    page.article("State of implementation")
    with page.when('implementation == "complete"'):
        page.say("STIR/SHAKEN is implemented in the company’s entire IP network. The steps below keep it so.")
        page.otherwise('implementation == "partial"')
        page.say(
            "STIR/SHAKEN is implemented in part of the company’s network. What is not implemented needs an extension "
            "that is still in force, or is not IP (§ 64.6304); calls there are subject to robocall mitigation."
        )
        page.otherwise()
        page.say(
            "STIR/SHAKEN is not implemented. Until the steps below are done the company relies on the rule stated "
            "here, and all its calls are subject to robocall mitigation."
        )
    with page.when("stir_exemption"):
        page.say("Rule relied on: {{ stir_exemption }}")
    page.article("Steps")
    page.clause(
        "Hold what an SPC token presupposes: a current Form 499-A, an OCN and a filing in the Robocall "
        "Mitigation Database."
    )
    page.clause(
        "Obtain the SPC token from the Policy Administrator and a certificate from an approved Certification Authority."
    )
    page.clause(
        "Decide on the attestation level of each class of calls, by what is known of customer and number, and write "
        "the decision down."
    )
    page.clause(
        "Sign calls in the SIP network with the company’s own certificate, verify calls received, and test "
        "with each interconnected provider."
    )
    page.clause(
        "Certify the state of implementation in the Robocall Mitigation Database within 10 business days of each "
        "change."
    )
    with page.when('own_certificate == "no"'):
        page.article("Third-party authentication")
        page.say(
            "Today calls are not signed with the company’s own certificate. Since September 18, 2025 a provider that "
            "uses a third party must make all attestation decisions itself and have calls signed with its own "
            "certificate, under a written agreement (FCC 24-120). Until it does, neither complete nor partial "
            "implementation may be certified."
        )
    page.article("Responsibility")
    page.say("{{ contact_name }}, {{ contact_title }} ({{ contact_phone }}, {{ contact_email }}).")
    page.signature()
    return page


def calea_ssi_plan() -> Page:
    page = Page(
        "CALEA System Security and Integrity Plan",
        under="47 U.S.C. § 229(b) · 47 CFR §§ 1.20003–1.20005 · Year {{ year }}",
    )
    page.banner("Confidential: contains information on lawful electronic surveillance. Not for public inspection.")
    page.table(*carrier())
    page.article("Purpose")
    page.say(
        "These are the policies and procedures by which {{ carrier_name }} ensures that interceptions of "
        "communications and access to call-identifying information within its switching premises happen only under "
        "lawful authorization and with the affirmative intervention of one of its own officers or employees."
    )
    page.article("Senior officer and point of contact (47 CFR § 1.20003)")
    page.table(("Senior officer", "{{ ssi_officer }}"), ("Reached at any hour", "{{ ssi_phone }}"))
    page.say(
        "The senior officer is responsible for ensuring that any interception or access to call-identifying "
        "information can be activated only in accordance with a court order or other lawful authorization. Law "
        "enforcement reaches the point of contact 24 hours a day, seven days a week."
    )
    page.article("Authorization and supervision")
    page.quote("{{ ssi_supervision }}")
    page.clause(
        "Before it acts, the company confirms that a legal authorization is in hand, is valid on its face and "
        "covers what is asked, and acts only within it."
    )
    page.clause(
        "Without appropriate carrier authorization no employee enables an interception or gives access to "
        "call-identifying information."
    )
    page.clause(
        "Compromises of an interception to persons without authority, and unlawful electronic surveillance on the "
        "company’s premises, are reported to the affected law enforcement agencies within a reasonable time "
        "of discovery."
    )
    page.article("Records (47 CFR § 1.20004)")
    page.say(
        "For each interception or access, made with or without authorization, the company keeps a secure and accurate "
        "record in a single certification signed by the individual responsible. The record states:"
    )
    page.points(
        "the telephone numbers or circuit identification numbers involved;",
        "the start date and time of the interception or access;",
        "the identity of the law enforcement officer presenting the authorization;",
        "the name of the person signing the legal authorization;",
        "the type of interception or access; and",
        "the name of the company’s employee who is responsible for overseeing it.",
    )
    page.say("Records are kept for {{ ssi_retention_years }} years, with a copy of the authorization.")
    page.article("Submission and changes (47 CFR § 1.20005)")
    page.say(
        "The company submits these policies and procedures to the Commission before it begins service, and again "
        "within 90 days of their modification or of a merger or divestiture."
    )
    page.article("Adoption")
    page.say("I am an officer of {{ carrier_name }} and adopt this plan for it.")
    page.signature()
    return page


MAKERS = {
    "rmd_certification": rmd_certification,
    "robocall_mitigation_plan": robocall_mitigation_plan,
    "cpni_certificate": cpni_certificate,
    "cpni_statement": cpni_statement,
    "stir_shaken_plan": stir_shaken_plan,
    "calea_ssi_plan": calea_ssi_plan,
}
