"""Our campaign templates (`campaign_templates/*.html`): each is checked when it loads for what the law asks of a
commercial mail, and for never looking like a government's (15 USC 7704, 16 CFR 316, RFC 8058).

A file is HTML with Listmonk's fields. `[[FIRM_ADDRESS]]` becomes PW_FIRM_ADDRESS. Fields beyond those of FIELDS do not
load: a misspelt one would only fail at sending.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

from lxml import html

from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings

FOLDER = Path(__file__).with_name("campaign_templates")
PREFIX = "PW "  # of their names in Listmonk
ADDRESS = "[[FIRM_ADDRESS]]"
ADVERTISEMENT, NO_AGENCY = "this is an advertisement", "not a government agency"
# What reconciliation keeps with each subscriber (desired.py), and Listmonk's own (its templating.md).
ATTRIBS = ("frn", "company", "codes", "sure_codes", "severity", "check_url", "as_of")
FIELDS = frozenset(
    {'template "content" .', "UnsubscribeURL", "TrackView", "MessageURL", "end", "else", ".Campaign.Subject",
     ".Subscriber.FirstName", ".Subscriber.Name"}
    | {f".Subscriber.Attribs.{name}" for name in ATTRIBS}
)  # fmt: skip
_FIELD = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])", re.I
)
_NOT_SHOWN = frozenset({"script", "style", "template", "title"})
# Words of notices that an authority sends; in a seller's mail they would pass for one (16 CFR 461).
_NOTICES = re.compile(
    r"final notice|official (?:notice|business|communication)|notice of (?:violation|apparent liability|"
    r"non-?compliance|deficiency|enforcement|suspension|removal)|"
    r"(?:deficiency|violation|enforcement|compliance|penalty) notice|"
    r"enforcement bureau|citation (?:number|no)|case (?:number|no\.)|immediate(?:ly)? (?:action|response) required|"
    r"(?:from|by) the (?:fcc|federal communications commission|usac|irs)\b(?!'s)|"
    r"under penalty of (?:law|perjury)|you have been (?:fined|cited|summoned)|federal (?:notice|compliance office)",
    re.IGNORECASE,
)


class BadTemplate(ConfigError):
    """A campaign template lacks what every campaign mail must have."""


@dataclass(frozen=True)
class Template:
    """One template, ready for Listmonk. `name`: there."""

    name: str
    file: str
    body: str


def read_templates(settings: Settings, folder: Path = FOLDER) -> tuple[Template, ...]:
    """Every template of the folder, checked. BadTemplate names the file and all its faults; live mode without
    PW_FIRM_ADDRESS is refused."""
    address = settings.firm_address.strip()
    if not settings.is_sandbox and "firm_address" not in settings.model_fields_set:
        raise BadTemplate("Campaign mails name our postal address; set PW_FIRM_ADDRESS (15 USC 7704(a)(5)).")
    if not address or "{{" in address or "}}" in address:
        raise BadTemplate("PW_FIRM_ADDRESS is empty or holds template code; write the postal address in plain words.")
    files = sorted(folder.glob("*.html"))
    if not files:
        raise BadTemplate(f"There is no campaign template in {folder.name}/.")
    found = []
    for file in files:
        text = file.read_text(encoding="utf-8")
        if faults := faults_of(text):
            raise BadTemplate(f"Campaign template {file.name}: {'; '.join(faults)}.")
        lines = "<br>".join(escape(line.strip()) for line in address.splitlines() if line.strip())
        found.append(Template(f"{PREFIX}{file.stem}", file.name, text.replace(ADDRESS, lines)))
    return tuple(found)


def faults_of(text: str) -> list[str]:
    """What is wrong with a template's text, each fault in words; empty for a good one."""
    faults = []
    fields = [" ".join(found.split()) for found in _FIELD.findall(text)]
    places = fields.count('template "content" .')
    if places != 1:
        faults.append(f'{{{{ template "content" . }}}} stands there {places} times, not once')
    if fields.count("TrackView") > 1:
        faults.append("{{ TrackView }} stands there more than once")
    faults += [f"{{{{ {each} }}}} is no field we know" for each in dict.fromkeys(fields) if not _is_known(each)]
    opened = sum(each.startswith(("if ", "range ")) for each in fields)
    if opened != fields.count("end"):
        faults.append(f"{opened} {{{{ if }}}} or {{{{ range }}}}, but {fields.count('end')} {{{{ end }}}}")
    shown, links = _shown(text)
    if "{{ UnsubscribeURL }}" not in links:
        faults.append('no visible link <a href="{{ UnsubscribeURL }}"> with words (RFC 8058, 16 CFR 316.5)')
    if ADDRESS.lower() not in shown:
        faults.append(f"{ADDRESS} is not shown: every commercial mail names our postal address")
    if ADVERTISEMENT not in shown:
        faults.append(f"it nowhere shows `{ADVERTISEMENT.capitalize()} …`")
    if NO_AGENCY not in shown:
        faults.append(f"it nowhere shows that we are {NO_AGENCY}")
    if {"UnsubscribeURL", 'template "content" .'} & _conditional(fields):
        faults.append("the unsubscribe link or the content stands inside an {{ if }}, so some mails would lack it")
    return faults + [f"`{words}` is a government notice's wording" for words in notice_words(shown)]


def notice_words(text: str) -> list[str]:
    """Wording of an authority's notice in a text, once each."""
    return list(dict.fromkeys(found.group().lower() for found in _NOTICES.finditer(" ".join(text.split()))))


def shown_text(markup: str) -> str:
    """What a reader sees of HTML, lower case, blanks collapsed."""
    return _shown(markup)[0]


def _is_known(field: str) -> bool:
    return field.removeprefix("if ").removeprefix("range ").removeprefix("not ") in FIELDS


def _conditional(fields: list[str]) -> set[str]:
    """Fields that stand inside an if or range."""
    depth, inside = 0, set()
    for each in fields:
        if each == "end":
            depth -= 1
        elif each.startswith(("if ", "range ")):
            depth += 1
        elif depth > 0:
            inside.add(each)
    return inside


def _shown(markup: str) -> tuple[str, list[str]]:
    """(visible words, targets of visible links that have words)."""
    if not markup.strip():
        return "", []
    tree = html.document_fromstring(markup, parser=html.HTMLParser(remove_comments=True))
    for element in [each for each in tree.iter() if isinstance(each, html.HtmlElement)]:
        is_hidden = _HIDDEN.search(str(element.get("style") or "")) or element.get("hidden") is not None
        if (is_hidden or element.tag in _NOT_SHOWN) and element.getparent() is not None:
            element.drop_tree()
    links = [
        " ".join(str(link.get("href", "")).split())
        for link in tree.iter("a")
        if isinstance(link, html.HtmlElement) and link.text_content().strip()
    ]
    return " ".join(str(tree.xpath("string()")).split()).lower(), links
