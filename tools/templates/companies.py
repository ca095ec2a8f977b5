"""Templates of companies: formation, agreement, taxpayer number, agent, changes, and the Canadian package."""

from __future__ import annotations

from tools.templates.page import Page

COMPANY: tuple[tuple[str, str], ...] = (
    ("Company", "{{ company_name }}"),
    ("Principal address", "{{ principal_address }}"),
    ("Mailing address", "{{ mailing_address }}"),
)
CONTACT = (
    ("Contact", "{{ contact_name }}"),
    ("Telephone", "{{ contact_phone }}"),
    ("E-mail", "{{ contact_email }}"),
)
BY_HAND = "A person of {{ firm_name }} files this on the state’s own form or portal; this document is the basis for it."


def articles() -> Page:
    page = Page(
        'Articles of {% if form == "corporation" %}Incorporation{% else %}Organization{% endif %}',
        subject="company_name",
        under="State of {{ state }}",
        articles="Article %1.",
        about="Articles",
    )
    page.article("Name")
    with page.when('form == "corporation"'):
        page.say("The name of the corporation is {{ company_name }}.")
        page.otherwise()
        page.say("The name of the limited liability company is {{ company_name }}.")
    page.article("Registered agent and registered office")
    page.say("The name of the registered agent, and the street address of the registered office in {{ state }}, are:")
    page.quote("{{ registered_agent_name }}\n{{ registered_agent_address }}")
    page.article("Addresses")
    page.table(("Principal office", "{{ principal_address }}"), ("Mailing address", "{{ mailing_address }}"))
    page.article("Purpose")
    page.quote("{{ purpose }}")
    with page.when('form == "corporation"'):
        page.article("Shares")
        page.say("The corporation is authorized to issue {{ authorized_shares }} shares of common stock.")
        page.otherwise()
        page.article("Management")
        page.say("The company is managed by: {{ management }}.")
    page.article("Organizer")
    page.say(
        "{{ organizer_name }} executes these articles. The registered agent’s written consent to appointment is filed "
        "with them."
    )
    with page.when('state == "WY" and form != "corporation"'):
        page.note("Articles of organization under the Wyoming Limited Liability Company Act, W.S. § 17-29-201.")
    page.signature()
    return page


def agent_consent() -> Page:
    page = Page(
        "Consent to Appointment by Registered Agent",
        subject="company_name",
        under="State of {{ state }} · {{ year }}",
    )
    page.table(
        ("Company", "{{ company_name }}"),
        ("Principal address", "{{ principal_address }}"),
        ("Registered agent", "{{ firm_name }}"),
        ("Address of the agent", "{{ firm_address }}"),
    )
    page.say(
        "{{ firm_name }} arranges the appointment of a registered agent with a street address in {{ state }} for the "
        "company named above, for one year. The agent consents to serve, to accept service of process and official "
        "mail at its registered office in ordinary business hours, and to send them on without delay to:"
    )
    page.table(*CONTACT)
    with page.when('state == "WY"'):
        page.note("Wyoming: the agent’s consent accompanies the articles (W.S. § 17-28-104).")
    page.hand_signature("", "For the registered agent")
    return page


def operating_agreement() -> Page:
    page = Page(
        "Operating Agreement",
        subject="company_name",
        under="{{ company_name }} · a limited liability company of {{ state }}",
        articles="Article %1.",
    )
    page.banner("This is not legal advice.")
    page.note(
        "This agreement was drawn up from the members’ own answers by {{ firm_name }}, which is not a law firm. Have a "
        "lawyer look at it before you sign."
    )
    page.say("This agreement is made as of {{ today }} by the members named in Article 4 and the company.")
    page.article("Formation and name")
    page.clause(
        "The company is a limited liability company formed under the laws of {{ state }} by the filing of its "
        "articles. Its name is {{ company_name }}."
    )
    page.clause("The company exists until it is dissolved under Article 9.")
    page.article("Office and registered agent")
    page.clause("The principal office is at: {{ principal_address }}")
    page.clause("The registered agent is {{ registered_agent_name }}, {{ registered_agent_address }}")
    page.article("Purpose")
    page.clause("The purpose of the company is: {{ purpose }}")
    page.article("Members, shares and contributions")
    page.clause("The members, their shares in percent and their contributions in U.S. dollars are:")
    page.quote("{{ members }}")
    page.clause("No member has to contribute more than stated here. No interest is paid on contributions.")
    page.clause("A member is not liable for the debts of the company by being a member.")
    page.article("Management")
    with page.when('management == "managers"'):
        page.clause("The company is managed by its managers: {{ manager_names }}.")
        page.clause(
            "Each manager may act for the company in its ordinary business. The members may remove and appoint "
            "managers by a majority of shares."
        )
        page.otherwise()
        page.clause("The company is managed by its members. Each may act for it in its ordinary business.")
    page.clause(
        "The consent of members holding a majority of shares is needed to borrow beyond the ordinary course of "
        "business, to sell substantially all assets, to admit a member, or to change this agreement."
    )
    page.clause("Whoever manages acts in good faith and with the care of an ordinarily prudent person.")
    page.article("Capital accounts and distributions")
    page.clause("A capital account is kept for each member. Profits and losses are allocated by share.")
    page.clause(
        "Distributions are made by share, when whoever manages decides, and only if the company can pay its debts "
        "afterwards."
    )
    page.article("Records, fiscal year and taxes")
    page.clause("Books are kept at the principal office; each member may look at them at reasonable times.")
    page.clause("The fiscal year ends with the month of {{ fiscal_year_end }}.")
    page.clause(
        "Unless it elects otherwise the company is taxed as a disregarded entity with one member and as a partnership "
        "with several."
    )
    page.article("Transfer of shares")
    page.clause(
        "A member may transfer a share only with the written consent of all other members. Before it is offered to "
        "others they may take it over on the same terms within 30 days, by share."
    )
    page.clause("Who acquires a share without that consent receives distributions but takes no part in management.")
    page.article("Dissolution")
    page.clause("The company is dissolved by decision of all members, or as the law of {{ state }} provides.")
    page.clause(
        "Then its affairs are wound up: creditors are paid first, contributions are returned next, and what is left is "
        "distributed by share."
    )
    page.article("General provisions")
    page.clause(
        "This agreement is governed by the law of {{ state }}. It replaces all earlier agreements on its subject."
    )
    page.clause("Changes must be in writing. If a provision is invalid, the others stand.")
    page.clause(
        "The company indemnifies members and managers for what they do for it in good faith, as far as the law allows."
    )
    page.say("Signed by the members:")
    page.signature()
    page.note("Further members sign on a copy of this page.")
    return page


CORPORATION = 'form and form == "corporation"'
SS4 = (
    ("1", "Legal name", "{{ company_name }}"),
    ("2", "Trade name, if different", "–"),
    ("3", "Executor, administrator, trustee, “care of”", "–"),
    ("4a, 4b", "Mailing address", "{{ mailing_address }}"),
    ("5a, 5b", "Street address", "{{ principal_address }}"),
    ("6", "County and state of principal business", "{{ county_state }}"),
    ("7a", "Responsible party", "{{ responsible_party }}"),
    ("7b", "SSN or ITIN (last four only)", "{{ responsible_ssn }}"),
    ("8a", "Limited liability company?", f"{{% if {CORPORATION} %}}No{{% else %}}Yes{{% endif %}}"),
    ("8b", "Number of members", "{{ members_count }}"),
    ("8c", "Organized in the United States?", "Yes"),
    (
        "9a",
        "Type of entity",
        f'{{% if {CORPORATION} %}}Corporation{{% elif members_count == "1" %}}Other: disregarded entity'
        "{% else %}Partnership{% endif %}",
    ),
    (
        "9b",
        "State of incorporation, if a corporation",
        f"{{% if {CORPORATION} %}}{{{{ state }}}}{{% else %}}–{{% endif %}}",
    ),
    ("10", "Reason for applying", "{{ ein_reason }}"),
    ("11", "Date business started or acquired", "{{ started_on }}"),
    ("12", "Closing month of accounting year", "{{ fiscal_year_end }}"),
    ("13", "Highest number of employees in 12 months", "{{ employees_expected }}"),
    ("14", "Form 944 election", "–"),
    ("15", "First date wages are paid", "–"),
    ("16", "Principal activity", "{{ principal_activity }}"),
    ("17", "Principal product or service", "{{ principal_product }}"),
    ("18", "Applied for an EIN before?", "No"),
    ("–", "Third-party designee", "{{ firm_address }}"),
)


def form_ss4() -> Page:
    page = Page("Form SS-4 Worksheet", subject="company_name", under="Application for Employer Identification Number")
    page.say(
        "These are the answers that go into the application to the Internal Revenue Service, line by line. The "
        "responsible party’s number is kept encrypted and shown here by its last four digits alone."
    )
    page.columns(("Line", "Content", "Answer"), *SS4, widths=(0.7, 2.6, 3.2))
    page.heading("Authorization of the designee")
    page.say(
        "Under penalties of perjury, I declare that I have examined this application, and to the best of my knowledge "
        "and belief it is true, correct and complete. I authorize {{ firm_name }} as third-party designee to answer "
        "questions about the completion of this form and to receive the company’s new EIN. The designee’s authority "
        "ends when the EIN is assigned and released."
    )
    page.signature()
    page.note(
        "One EIN is given to a responsible party a day, over all channels. The confirmation (CP 575) is kept for you."
    )
    return page


def _change(title: str, law: str, body: str, *open_points: str) -> Page:
    page = Page(title, subject="company_name", under=law)
    page.table(*COMPANY)
    page.heading("Contact")
    page.table(*CONTACT)
    page.heading("What is filed")
    page.say(body)
    if open_points:
        page.heading("Still to be stated on the state’s form")
        page.points(*open_points)
    page.say(BY_HAND)
    page.signature()
    return page


def annual_report() -> Page:
    return _change(
        "Annual Report Worksheet", "State of {{ state }} · {{ year }}",
        "The company files its annual report for {{ year }} with {{ state }} and confirms the addresses above.",
        "Officers, managers or members, where the state asks for them.",
        "Figures the fee depends on, where the state asks for them.",
    )  # fmt: skip


def certificate_of_authority_application() -> Page:
    return _change(
        "Application for Certificate of Authority", "State of {{ state }} · {{ year }}",
        "The company, formed in another state, applies for authority to do business in {{ state }}.",
        "State and date of formation, with a certificate of good standing where one is asked for.",
        "Registered agent and registered office in {{ state }}.",
    )  # fmt: skip


def articles_of_amendment() -> Page:
    return _change(
        "Articles of Amendment Worksheet", "State of {{ state }} · {{ year }}",
        "The company amends its articles on file with {{ state }}.",
        "The text of the amendment, as adopted.",
        "The day of adoption and the vote by which it was adopted.",
    )  # fmt: skip


def articles_of_dissolution() -> Page:
    return _change(
        "Articles of Dissolution Worksheet", "State of {{ state }} · {{ year }}",
        "The company dissolves and files its articles of dissolution with {{ state }}.",
        "The day and the vote by which dissolution was decided.",
        "That debts are paid or provided for, and taxes are cleared where the state asks for it.",
    )  # fmt: skip


def _canadian(title: str, law: str, body: str, *open_points: str) -> Page:
    page = Page(title, subject="company_name", under=law)
    page.table(*COMPANY)
    page.heading("Contact")
    page.table(*CONTACT)
    page.heading("Shareholders")
    page.quote("{{ members }}")
    with page.when("directors"):
        page.say("Directors, with their delivery addresses:")
        page.quote("{{ directors }}")
    with page.when("name_approval"):
        page.say("Name approval: {{ name_approval }}")
    with page.when("incorporation_number"):
        page.say("Incorporation number: {{ incorporation_number }}")
    page.heading("What is filed")
    page.say(body)
    page.heading("Still to be stated")
    page.points(*open_points)
    page.say(
        "A person of {{ firm_name }} files this with the authority’s own form or portal; this document is the basis."
    )
    page.signature()
    return page


def notice_of_articles() -> Page:
    return _canadian(
        "Notice of Articles Worksheet", "British Columbia · Business Corporations Act",
        "An incorporation application with a notice of articles for the company named above.",
        "Registered office and records office in British Columbia, with delivery and mailing addresses.",
        "Authorized share structure.",
        "Full name and mailing address of every director.",
    )  # fmt: skip


def crtc_registration() -> Page:
    return _canadian(
        "CRTC Registration Worksheet", "Canadian Radio-television and Telecommunications Commission",
        "Registration of the company on the Commission’s lists of telecommunications service providers, by the form or "
        "letter with cover page through My CRTC Account.",
        "The lists the services belong on.",
        "Provinces and territories served.",
        "The day service begins.",
    )  # fmt: skip


def bits_licence_application() -> Page:
    return _canadian(
        "BITS Licence Application Worksheet", "Basic international telecommunications services · CRTC",
        "An application for a licence to provide basic international telecommunications services between Canada and "
        "other countries.",
        "Whether traffic is carried over facilities of its own or leased ones.",
        "Cover sheet and affidavit of the Commission’s circular on applications.",
        "Affiliations with other carriers.",
        "The certifications of the Commission’s application form.",
    )  # fmt: skip


MAKERS = {
    "articles": articles,
    "agent_consent": agent_consent,
    "operating_agreement": operating_agreement,
    "form_ss4": form_ss4,
    "annual_report": annual_report,
    "certificate_of_authority_application": certificate_of_authority_application,
    "articles_of_amendment": articles_of_amendment,
    "articles_of_dissolution": articles_of_dissolution,
    "notice_of_articles": notice_of_articles,
    "crtc_registration": crtc_registration,
    "bits_licence_application": bits_licence_application,
}
