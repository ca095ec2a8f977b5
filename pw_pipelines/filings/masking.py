"""Pictures and HTML of a page, with what is secret taken out before they are taken."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from pw_pipelines.filings.material import Shot

if TYPE_CHECKING:
    from playwright.sync_api import Page

MASK = "•••"
MARK = "data-pw-secret"
TALLEST = 6000
_LONG_NUMBER = re.compile(r"[\d\s().-]{7,}")

# Marks the innermost elements that show a secret: by their words, or by what stands in a field. Numbers are compared
# by their digits, so that dashes of the page's own, or a number in two pieces, hide nothing.
_TAG = r"""([numbers, texts, secretFields, mark]) => {
  const digits = t => t.replace(/\D/g, '');
  const has = t => texts.some(s => t.includes(s)) || numbers.some(n => digits(t).includes(n));
  document.querySelectorAll(`[${mark}]`).forEach(e => e.removeAttribute(mark));
  for (const e of document.querySelectorAll('input, select, textarea'))
    if (e.type === 'password' || has(String(e.value ?? '')) || secretFields.some(s => e.matches(s)))
      e.setAttribute(mark, '');
  const walk = e => {
    if (['SCRIPT', 'STYLE'].includes(e.tagName) || !has(e.textContent || '')) return;
    const inner = [...e.children].filter(c => has(c.textContent || ''));
    inner.length ? inner.forEach(walk) : e.setAttribute(mark, '');
  };
  if (document.body) walk(document.body);
}"""
# The page as it stands, with what was filled in written into it; scripts are left out, they say nothing to a reader.
_COPY = r"""([mark, mask]) => {
  const copy = document.documentElement.cloneNode(true);
  const live = document.querySelectorAll('input, select, textarea');
  copy.querySelectorAll('input, select, textarea').forEach((e, n) => {
    const from = live[n], hidden = from.hasAttribute(mark) || from.type === 'password';
    if (e.tagName === 'TEXTAREA') e.textContent = hidden ? mask : from.value;
    else if (e.tagName === 'SELECT') [...e.options].forEach((o, i) =>
      !hidden && from.options[i].selected ? o.setAttribute('selected', '') : o.removeAttribute('selected'));
    else if (['checkbox', 'radio'].includes(e.type)) e.toggleAttribute('checked', from.checked);
    else if (e.type !== 'file') e.setAttribute('value', hidden ? mask : from.value);
  });
  copy.querySelectorAll(`[${mark}]`).forEach(e => {
    if (!['INPUT', 'SELECT', 'TEXTAREA'].includes(e.tagName)) e.textContent = mask;
    e.removeAttribute(mark);
  });
  copy.querySelectorAll('script').forEach(e => e.remove());
  return '<!doctype html>\n' + copy.outerHTML;
}"""


def take(page: Page, title: str, secrets: Collection[str], secret_fields: Collection[str] = ()) -> Shot:
    """A picture and the HTML of the page, without `secrets`. secret_fields: selectors of what is hidden anyway."""
    from playwright.sync_api import Error

    try:
        page.evaluate(_TAG, [_numbers(secrets), _texts(secrets), list(secret_fields), MARK])
        html = scrub(str(page.evaluate(_COPY, [MARK, MASK])), secrets)
    except Error as error:
        return Shot(title, f"<!-- {type(error).__name__}: the page could not be read -->".encode(), None)
    try:
        tall = min(TALLEST, int(page.evaluate("document.documentElement.scrollHeight")) or TALLEST)
        picture = page.screenshot(
            full_page=True,
            clip={"x": 0, "y": 0, "width": 1280, "height": max(tall, 100)},
            mask=[page.locator(f"[{MARK}]")],
            mask_color="#222222",
            animations="disabled",
            caret="hide",
        )
    except Error:
        return Shot(title, html.encode(), None)
    return Shot(title, html.encode(), picture)


def scrub(text: str, secrets: Collection[str]) -> str:
    """Text without the secrets, however a long number is dashed."""
    for secret in _texts(secrets):
        text = text.replace(secret, MASK)
    for number in _numbers(secrets):
        text = re.sub(r"[\s().-]{0,2}".join(number), MASK, text)
    return text


def _numbers(secrets: Collection[str]) -> list[str]:
    return [re.sub(r"\D", "", secret) for secret in secrets if _LONG_NUMBER.fullmatch(secret)]


def _texts(secrets: Collection[str]) -> list[str]:
    return [secret for secret in secrets if secret.strip()]
