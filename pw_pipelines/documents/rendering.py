"""Fills a template with an item's values: the bytes of a DOCX, the same for the same template and values."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

from jinja2 import nodes

from pw_pipelines.documents.template import Template, template_named, walk
from pw_pipelines.documents.values import RefusedValues, plain, shown
from pw_pipelines.errors import UsageError

__all__ = ["MissingValues", "RefusedValues", "missing_values", "needs", "render", "values_digest"]

_DATE = (2026, 1, 1, 0, 0, 0)  # of every member of a document, so that the same content is the same bytes
_BREAK, _TAB = '</w:t><w:br/><w:t xml:space="preserve">', '</w:t><w:tab/><w:t xml:space="preserve">'


class MissingValues(UsageError):
    """Values a document can't do without. `names`: of the facts, in order."""

    def __init__(self, template: str, names: set[str]) -> None:
        self.template = template
        self.names = sorted(names)
        super().__init__(f"The document {template} needs {', '.join(self.names)}.")


def render(template: str, values: Mapping[str, str]) -> bytes:
    """The DOCX of `template` (its name) filled with `values` by the names of facts; others than it names are ignored.

    Raises MissingValues naming every missing fact, RefusedValues naming every value no document can hold; UsageError
    for an unknown template or fact, ConfigError for a faulty template. Nothing is made then.
    """
    return fill(template_named(template), values)


def fill(template: Template, values: Mapping[str, str]) -> bytes:
    """As `render`, for a template in hand."""
    given, pieces = _walked(template, values)
    printed = {name: _printed(name, value) for name, value in given.items()}
    made = {
        entry: "".join(
            printed[piece.name] if isinstance(piece, nodes.Name) else piece.data for piece in pieces[entry]
        ).encode()
        for entry in template.trees
    }
    return _zipped({**template.parts, **made})


def needs(template: str) -> set[str]:
    """The facts a template may ask for: those it prints or compares outside an `{% if name %}` of their own."""
    found: set[str] = set()
    for tree in template_named(template).trees.values():
        _needed(tree.body, frozenset(), found)
    return found


def missing_values(template: str, values: Mapping[str, str]) -> list[str]:
    """The names of the facts without which it can't be made with these values; none: it can."""
    try:
        _walked(template_named(template), values)
    except MissingValues as missing:
        return missing.names
    return []


def values_digest(template: str, values: Mapping[str, str]) -> str:
    """SHA-256 over what of `values` the document shows; the day alone does not make another document.

    Of an SSN only its last four digits enter it, as they do the document.
    """
    loaded = template_named(template)
    used = plain({name: value for name, value in values.items() if name in loaded.names and name != "today"})
    said = {name: [shown(name, value), value if _is_compared(name) else None] for name, value in used.items()}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _is_compared(name: str) -> bool:
    from pw_pipelines.fulfillment.facts import fact_of

    return fact_of(name).kind in ("choice", "yes_no")


def _walked(
    template: Template, values: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, list[nodes.TemplateData | nodes.Name]]]:
    """The values it uses and the pieces of each part. Raises as `render`."""
    given = plain({name: value for name, value in values.items() if name in template.names})
    missing: set[str] = set()
    pieces = {entry: list(walk(tree, given, missing)) for entry, tree in template.trees.items()}
    if missing:
        raise MissingValues(template.name, missing)
    return given, pieces


def _printed(name: str, value: str) -> str:
    """As XML text: escaped, line ends and tabs as Word's own."""
    return escape(shown(name, value)).replace("\n", _BREAK).replace("\t", _TAB)


def _zipped(parts: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for entry in sorted(parts, key=lambda name: (name != "[Content_Types].xml", name)):
            member = zipfile.ZipInfo(entry, _DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 0
            archive.writestr(member, parts[entry])
    return made.getvalue()


def _needed(body: list[nodes.Node], guarded: frozenset[str], found: set[str]) -> None:
    for node in body:
        if isinstance(node, nodes.Output):
            found |= {piece.name for piece in node.nodes if isinstance(piece, nodes.Name)} - guarded
        elif isinstance(node, nodes.If):
            for test, inner in [(node.test, node.body), *((other.test, other.body) for other in node.elif_)]:
                tested = frozenset(name.name for name in _bare(test))
                compared = {name.expr.name for name in _compared(test) if isinstance(name.expr, nodes.Name)}
                found |= compared - guarded - tested
                _needed(inner, guarded | tested, found)
            _needed(node.else_, guarded, found)


def _bare(test: nodes.Node) -> list[nodes.Name]:
    """The names whose being known is asked for."""
    if isinstance(test, nodes.Name):
        return [test]
    if isinstance(test, nodes.And):
        return _bare(test.left) + _bare(test.right)
    return []


def _compared(test: nodes.Node) -> list[nodes.Compare]:
    return [test] if isinstance(test, nodes.Compare) else list(test.find_all(nodes.Compare))
