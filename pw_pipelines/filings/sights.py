"""What a selector stands on: tag, type, name, label and place of the element, so that tomorrow's can be compared.

Nothing a person typed and no value is read, only what the page's maker wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from pw_pipelines.filings.masking import scrub

if TYPE_CHECKING:
    from playwright.sync_api import Page

Meant = Literal["control", "group", "sight", "fields"]
"""control  one field or button
group    all radio buttons of a question
sight    something to be seen, however many and whatever it says
fields   all fields of a page
"""
MOST_CONTROLS = 400

# Of each selector: how many are there, and the first. Of the page: every control, with a selector that fits it alone.
# [selector, within]: `within` is looked for first, and the selector in the first of those.
_SIGHTS = r"""([wanted, most]) => {
  const seen = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
  const there = e => e.type === 'file' ? !e.disabled : seen(e);
  const clean = t => (t || '').replace(/\s+/g, ' ').trim().slice(0, 160);
  const FIELDS = 'input, select, textarea', BUTTONS = 'button, a[href], [role=button], summary';
  const isButton = e => e.matches(BUTTONS) || ['submit', 'button', 'image', 'reset'].includes(e.type);
  const words = e => {
    const copy = e.cloneNode(true);
    copy.querySelectorAll('input, select, textarea, button, script, style').forEach(x => x.remove());
    return clean(copy.textContent);
  };
  const label = e => {
    const by = e.getAttribute('aria-labelledby');
    if (by) return clean(by.split(/\s+/).map(i => (document.getElementById(i) || {}).textContent || '').join(' '));
    if (e.getAttribute('aria-label')) return clean(e.getAttribute('aria-label'));
    if (isButton(e)) return clean(e.innerText || e.textContent || (e.tagName === 'INPUT' ? e.value : '') || e.title);
    const labels = e.labels ? [...e.labels].map(words).filter(t => t) : [];
    if (labels.length) return labels.join(' ');
    const cell = e.closest('td, dd');
    if (cell && cell.previousElementSibling && words(cell.previousElementSibling))
      return words(cell.previousElementSibling);
    return clean(e.placeholder || e.title);
  };
  const question = e => {
    const set = e.closest('fieldset'), legend = set && set.querySelector('legend');
    const group = e.closest('[role=radiogroup], [role=group]');
    return legend ? words(legend) : group ? clean(group.getAttribute('aria-label')) : '';
  };
  const all = [...document.querySelectorAll(`${FIELDS}, ${BUTTONS}`)]
    .filter(e => e.type !== 'hidden' && there(e)).slice(0, most);
  const ordered = all.filter(e => e.matches(FIELDS) && !isButton(e));
  const called = e => e ? e.name || e.id || label(e) : '';
  const around = e => {
    const mates = e.type === 'radio' && e.name ? ordered.filter(x => x.type === 'radio' && x.name === e.name) : [e];
    const first = ordered.indexOf(mates[0]), last = ordered.indexOf(mates[mates.length - 1]);
    return first < 0 ? ['', ''] : [called(ordered[first - 1]), called(ordered[last + 1])];
  };
  const outer = e => {
    const shell = e.closest('label, tr, li, .field') || e;
    const copy = (shell.outerHTML.length < 1500 ? shell : e).cloneNode(true);
    for (const x of [copy, ...copy.querySelectorAll('*')]) {
      const isWritten = ['radio', 'checkbox', 'submit', 'button'].includes(x.type);
      if (x.tagName === 'INPUT' && !isWritten) x.removeAttribute('value');
      if (x.tagName === 'TEXTAREA') x.textContent = '';
      ['style', 'onclick', 'href'].forEach(a => x.removeAttribute(a));
    }
    copy.querySelectorAll('script, style, option').forEach(x => x.remove());
    return copy.outerHTML.replace(/\s+/g, ' ').slice(0, 600);
  };
  const traits = (e, isGroup) => {
    const [before, after] = around(e);
    const mates = isGroup && e.name ? all.filter(x => x.type === e.type && x.name === e.name) : [];
    return {tag: e.tagName.toLowerCase(), type: e.tagName === 'INPUT' || e.tagName === 'BUTTON' ? e.type : '',
      name: e.name || '', id: e.id || '', role: e.getAttribute('role') || '',
      label: isGroup ? question(e) : label(e), required: !!e.required || e.getAttribute('aria-required') === 'true',
      choices: mates.map(x => x.value).join(', ').slice(0, 300), before, after, html: outer(e)};
  };
  const quoted = t => `"${t.replace(/["\\]/g, '\\$&')}"`;
  const alone = (s, e) => {
    try { const f = document.querySelectorAll(s); return f.length === 1 && f[0] === e; } catch { return false; }
  };
  const path = e => {
    const parts = [];
    for (let x = e; x && x.tagName !== 'HTML'; x = x.parentElement) {
      if (x.id && x !== e) { parts.unshift('#' + CSS.escape(x.id)); break; }
      const mates = x.parentElement ? [...x.parentElement.children].filter(m => m.tagName === x.tagName) : [x];
      parts.unshift(x.tagName.toLowerCase() + (mates.length > 1 ? `:nth-of-type(${mates.indexOf(x) + 1})` : ''));
    }
    return parts.join(' > ');
  };
  const selector = e => {
    const tag = e.tagName.toLowerCase(), tries = [];
    if (e.id && !/\d{4,}/.test(e.id)) tries.push('#' + CSS.escape(e.id));
    if (e.name) tries.push(`[name=${quoted(e.name)}]`, `${tag}[name=${quoted(e.name)}]`);
    const said = e.getAttribute('aria-label');
    if (said) tries.push(`${tag}[aria-label=${quoted(said)}]`);
    const form = e.closest('form');
    if (form && form.id && e.type) tries.push(`#${CSS.escape(form.id)} ${tag}[type=${e.type}]`);
    tries.push(path(e));
    return tries.find(s => alone(s, e)) || '';
  };
  const fits = new Map();
  const found = wanted.map(([one, within, isGroup]) => {
    const root = within ? [...document.querySelectorAll(within)].filter(there)[0] : document;
    const hits = root ? (one ? [...root.querySelectorAll(one)].filter(there) : [root]) : [];
    hits.forEach(e => fits.set(e, [...(fits.get(e) || []), one]));
    return {count: hits.length, traits: hits.length ? traits(hits[0], isGroup) : null};
  });
  return {found, controls: all.map(e => ({traits: traits(e, false), selector: selector(e),
                                          taken: fits.get(e) || []}))};
}"""


@dataclass(frozen=True)
class Traits:
    """What an element is. before, after: names of the fields around it. html: its own, without values."""

    tag: str
    type: str = ""
    name: str = ""
    id: str = ""
    role: str = ""
    label: str = ""
    required: bool = False
    choices: str = ""
    before: str = ""
    after: str = ""
    html: str = ""

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Traits:
        """From what `as_detail` gave, of this version or another."""
        known = {one.name for one in fields(cls)}
        return cls(**{"tag": "", **{name: value for name, value in kept.items() if name in known}})

    def as_detail(self) -> dict[str, Any]:
        """For the books."""
        return asdict(self)


@dataclass(frozen=True)
class Use:
    """One selector where a portal's file uses it.

    use         what for: a step's word, `wait`, `page`, `signed in`, `rows`, `field name` …
    expression  the CSS; for the fields of a page their names
    says        words (regular expression) a button must have
    within      the selector is looked for inside the first of these
    is_optional it may rightly not be there
    """

    form: str
    page: str
    use: str
    expression: str
    meant: Meant = "control"
    says: str | None = None
    within: str | None = None
    is_optional: bool = False

    @property
    def name(self) -> str:
        """For people: `filing, Certification: fill #frn`."""
        where = f"{self.form}, {self.page}" if self.page else self.form
        return f"{where}: {self.use} {self.expression}".rstrip()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The same selector in the same place."""
        return self.form, self.page, self.use, self.expression


@dataclass(frozen=True)
class Control:
    """A field or button of a page. selector: CSS that fits it alone; taken: selectors of ours that fit it."""

    traits: Traits
    selector: str
    taken: tuple[str, ...]


@dataclass(frozen=True)
class Sight:
    """What was seen of one selector. wrong: sentences about what can be told without memory; controls: of its page."""

    use: Use
    found: int
    traits: Traits | None
    wrong: tuple[str, ...] = ()
    controls: tuple[Control, ...] = field(default=(), repr=False)


def sights(page: Page, uses: Iterable[Use], secrets: Collection[str] = ()) -> list[Sight]:
    """What each selector stands on now."""
    wanted = list(uses)
    raw = page.evaluate(
        _SIGHTS, [[[use.expression, use.within, use.meant == "group"] for use in wanted], MOST_CONTROLS]
    )
    controls = tuple(
        Control(_traits(one["traits"], secrets), one["selector"], tuple(one["taken"])) for one in raw["controls"]
    )
    return [
        Sight(use, int(found["count"]), _of(use, found["traits"], secrets), controls=controls)
        for use, found in zip(wanted, raw["found"], strict=True)
    ]


def _of(use: Use, raw: Mapping[str, Any] | None, secrets: Collection[str]) -> Traits | None:
    """What is only to be seen may show anybody's data: of it no words are kept."""
    if raw is None:
        return None
    traits = _traits(raw, secrets)
    return Traits(traits.tag, traits.type, id=traits.id, role=traits.role) if use.meant == "sight" else traits


def _traits(raw: Mapping[str, Any], secrets: Collection[str]) -> Traits:
    return Traits.of({name: scrub(value, secrets) if isinstance(value, str) else value for name, value in raw.items()})
