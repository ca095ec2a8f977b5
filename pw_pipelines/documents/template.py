"""A Word template, read and checked: which facts it names, and its parts ready to be filled.

A template is a .docx whose text holds names of facts, `{{ carrier_name }}`, and simple conditions:

    {% if ocn %} … {% endif %}                          only where the value is known
    {% if is_gateway == "yes" %} … {% else %} … {% endif %}   also `!=`, `and`, `or`, `not`, `elif`
    {%p if … %}, {%tr if … %}                           a paragraph, or a table row, of its own that vanishes

Nothing else of Jinja is understood. Text is read by Jinja's parser and worked by `walk`: no code is ever made of it,
neither of what stands in a template nor of what a customer wrote.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

from jinja2 import Environment, TemplateSyntaxError, nodes
from lxml import etree

from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.fulfillment.facts import facts

FOLDER = "templates"
LONGEST_NAME = 80
_NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*", re.ASCII)
_FILLED = re.compile(r"word/(document|header[0-9]*|footer[0-9]*|footnotes|endnotes)\.xml")
_FORBIDDEN = re.compile(r"vbaProject|activeX|/embeddings/|/afchunk")
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_WHOLE = re.compile(r"\{%\s*(p|tr)\s+(.*?)%\}", re.DOTALL)
_STRAIGHT = str.maketrans("“”„‘’", '"""\'\'')  # Word's own quotes, typed into a condition
_HOLDER = "pw-condition"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_JINJA = Environment(autoescape=True)  # parses only


@dataclass(frozen=True)
class Template:
    """name; digest: SHA-256 of the file; parts: what is kept as it is; trees: what is filled, parsed."""

    name: str
    digest: str
    parts: Mapping[str, bytes]
    trees: Mapping[str, nodes.Template]

    @cached_property
    def names(self) -> frozenset[str]:
        """Every fact it names."""
        return frozenset(name.name for tree in self.trees.values() for name in tree.find_all(nodes.Name))


def names_of_templates() -> list[str]:
    """The names of all templates there are."""
    folder = resources.files(__package__) / FOLDER
    return sorted(
        entry.name.removesuffix(".docx")
        for entry in folder.iterdir()
        if entry.name.endswith(".docx") and not entry.name.startswith(("~", "."))
    )


def template_named(name: str) -> Template:
    """Raises UsageError when there is none, ConfigError when the file is not a template as described above."""
    if len(name) > LONGEST_NAME or _NAME.fullmatch(name) is None:
        raise UsageError(f"{name!r} is no name of a template: small letters, digits and _ only.")
    file = resources.files(__package__) / FOLDER / f"{name}.docx"
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"There is no template documents/{FOLDER}/{name}.docx.") from None
    return read_template(name, content)


@lru_cache(maxsize=128)
def read_template(name: str, content: bytes) -> Template:
    """A template from the bytes of its .docx. Raises ConfigError saying what is wrong with it and where."""
    where = f"documents/{FOLDER}/{name}.docx"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {entry: archive.read(entry) for entry in archive.namelist() if not entry.endswith("/")}
    except zipfile.BadZipFile:
        raise ConfigError(f"{where} is not a Word document (.docx). Save it anew from Word.") from None
    _refuse_dangerous(where, parts)
    filled = {entry: _source(where, entry, parts.pop(entry)) for entry in list(parts) if _FILLED.fullmatch(entry)}
    if "word/document.xml" not in filled:
        raise ConfigError(f"{where} has no text. Save it anew from Word.")
    trees = {entry: _parsed(where, source) for entry, source in filled.items()}
    return Template(name, hashlib.sha256(content).hexdigest(), parts, trees)


def walk(tree: nodes.Node, values: Mapping[str, str], missing: set[str]) -> Iterator[nodes.TemplateData | nodes.Name]:
    """The pieces of a parsed part that are to be printed with these values, in order.

    Names printed or compared that have no value are added to `missing`; `{% if name %}` asks whether there is one.
    """
    for node in tree.iter_child_nodes():
        if isinstance(node, nodes.Output):
            for piece in node.nodes:
                if isinstance(piece, nodes.Name) and piece.name not in values:
                    missing.add(piece.name)
                yield piece  # type: ignore[misc]  # _check lets only these two pass
        elif isinstance(node, nodes.If):
            yield from _branch(node, values, missing)


def _branch(node: nodes.If, values: Mapping[str, str], missing: set[str]) -> Iterator[nodes.TemplateData | nodes.Name]:
    for condition, body in [(node.test, node.body), *((other.test, other.body) for other in node.elif_)]:
        unknown: set[str] = set()
        holds = _holds(condition, values, unknown)
        if unknown:
            missing |= unknown
            return
        if holds:
            yield from walk(nodes.Template(body), values, missing)
            return
    yield from walk(nodes.Template(node.else_), values, missing)


def _holds(condition: nodes.Node, values: Mapping[str, str], unknown: set[str]) -> bool:
    if isinstance(condition, nodes.Name):
        return condition.name in values
    if isinstance(condition, nodes.Not):
        return not _holds(condition.node, values, unknown)
    if isinstance(condition, nodes.And):
        return _holds(condition.left, values, unknown) and _holds(condition.right, values, unknown)
    if isinstance(condition, nodes.Or):
        return _holds(condition.left, values, unknown) or _holds(condition.right, values, unknown)
    assert isinstance(condition, nodes.Compare) and isinstance(condition.expr, nodes.Name)
    operand = condition.ops[0]
    assert isinstance(operand.expr, nodes.Const)
    if condition.expr.name not in values:
        unknown.add(condition.expr.name)
        return False
    return bool(values[condition.expr.name] == operand.expr.value) is (operand.op == "eq")


def _refuse_dangerous(where: str, parts: Mapping[str, bytes]) -> None:
    """No macros, no embedded objects, nothing fetched from elsewhere when the document is opened."""
    if wrong := sorted(entry for entry in parts if _FORBIDDEN.search(entry)):
        raise ConfigError(
            f"{where} holds {wrong[0]}: macros and embedded objects are not allowed. Remove them in Word."
        )
    for entry, content in parts.items():
        if not entry.endswith(".rels"):
            continue
        for relation in _xml(where, entry, content):
            if relation.get("TargetMode") == "External" and not str(relation.get("Type")).endswith("/hyperlink"):
                raise ConfigError(
                    f"{where} fetches {relation.get('Target')!r} from elsewhere. Put it into the document."
                )


def _xml(where: str, entry: str, content: bytes) -> etree._Element:
    try:
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise ConfigError(f"{where}: {entry} is not XML ({error}). Save it anew from Word.") from None


def _source(where: str, entry: str, content: bytes) -> str:
    """A part's XML in which each tag stands whole in one piece of text, and a tag that is a whole paragraph or row
    stands in its place."""
    root = _xml(where, entry, content)
    for paragraph in list(root.iter(f"{_W}p")):
        _join_tags(where, paragraph)
    for element in root.iter():
        spoken = [*element.attrib.values(), "" if element.tag in (f"{_W}t", _HOLDER) else element.text or ""]
        if any("{{" in text or "{%" in text for text in spoken):
            raise ConfigError(
                f"{where}: a placeholder stands outside the text, in {element.tag}. Move it into the text."
            )
    source = _HEAD + etree.tostring(root, encoding="unicode")
    return re.sub(rf"<{_HOLDER}[^>]*>(.*?)</{_HOLDER}>", r"\1", source, flags=re.DOTALL)


def _join_tags(where: str, paragraph: etree._Element) -> None:
    """Word cuts text into runs wherever it likes, also within a tag; the tag is put into the run it begins in."""
    texts = [text for text in paragraph.iter(f"{_W}t") if next(text.iterancestors(f"{_W}p")) is paragraph]
    whole = "".join(text.text or "" for text in texts)
    if "{{" not in whole and "{%" not in whole:
        return
    tags = list(_TAG.finditer(whole))
    bounds, at = [], 0
    for text in texts:
        bounds.append((at, at := at + len(text.text or "")))
    for text, (start, end) in zip(texts, bounds, strict=True):
        kept, here = [], start
        for tag in tags:
            if tag.start() < start < tag.end():  # begun in an earlier run
                here = min(tag.end(), end)
            elif start <= tag.start() < end:
                kept += [whole[here : tag.start()], tag[0].translate(_STRAIGHT)]
                here = min(tag.end(), end)
        text.text = "".join(kept) + whole[here:end]
        text.set(_SPACE, "preserve")
    if alone := _WHOLE.search(whole):
        _stand_alone(where, paragraph, alone, whole)


def _stand_alone(where: str, paragraph: etree._Element, tag: re.Match[str], whole: str) -> None:
    kind, words = tag[1], tag[2].translate(_STRAIGHT)
    if whole.strip() != tag[0]:
        raise ConfigError(f"{where}: {tag[0]} must stand alone in its {'row' if kind == 'tr' else 'paragraph'}.")
    goes = paragraph if kind == "p" else next(paragraph.iterancestors(f"{_W}tr"), None)
    parent = None if goes is None else goes.getparent()
    if goes is None or parent is None:
        raise ConfigError(f"{where}: {tag[0]} stands in no table row.")
    holder = etree.Element(_HOLDER)
    holder.text = f"{{% {words}%}}"
    parent.replace(goes, holder)


def _parsed(where: str, source: str) -> nodes.Template:
    try:
        tree = _JINJA.parse(source)
    except TemplateSyntaxError as error:
        raise ConfigError(f"{where}: a placeholder can't be read: {error.message}.") from None
    for node in tree.body:
        _check(where, node)
    return tree


def _check(where: str, node: nodes.Node) -> None:
    """Raises ConfigError for anything but names of facts and conditions on them."""
    if isinstance(node, nodes.Output):
        for piece in node.nodes:
            if not isinstance(piece, nodes.TemplateData):
                _check_name(where, piece)
    elif isinstance(node, nodes.If):
        _check_condition(where, node.test)
        for inner in [*node.body, *node.elif_, *node.else_]:
            _check(where, inner)
    else:
        raise ConfigError(f"{where}: {type(node).__name__} is not allowed in a template; only names of facts and `if`.")


def _check_condition(where: str, node: nodes.Node) -> None:
    if isinstance(node, nodes.Not):
        _check_condition(where, node.node)
    elif isinstance(node, nodes.And | nodes.Or):
        _check_condition(where, node.left)
        _check_condition(where, node.right)
    elif isinstance(node, nodes.Compare):
        _check_name(where, node.expr)
        operand = node.ops[0]
        simple = len(node.ops) == 1 and operand.op in ("eq", "ne") and isinstance(operand.expr, nodes.Const)
        if not simple:
            raise ConfigError(f'{where}: a condition compares a fact with a text: == "yes" or != "no".')
        assert isinstance(node.expr, nodes.Name) and isinstance(operand.expr, nodes.Const)
        _check_choice(where, node.expr.name, operand.expr.value)
    else:
        _check_name(where, node)


def _check_name(where: str, node: nodes.Node) -> None:
    if not isinstance(node, nodes.Name):
        raise ConfigError(f"{where}: {type(node).__name__} is not allowed in a template; only names of facts and `if`.")
    if node.name not in facts():
        raise ConfigError(f"{where}: {node.name!r} is no fact of fulfillment/facts.yaml.")


def _check_choice(where: str, name: str, value: object) -> None:
    """A condition that can never hold is a slip of the pen."""
    fact = facts()[name]
    known = {"yes_no": ["yes", "no"], "choice": list(fact.choices)}.get(fact.kind)
    if known is not None and value not in known:
        raise ConfigError(f"{where}: {name} is never {value!r}; it is one of {', '.join(known)}.")
