"""E-mail addresses of leads: one spelling, whether we write to them at all, and who runs their mail."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

from pw_pipelines.yaml_data import Strict, read_entry

FILE = Path(__file__).with_name("addresses.yaml")
OTHER = "other"  # many servers, not one provider: no provider's share applies to it
MOST_CHARACTERS = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
MOST_LOCAL = 64  # RFC 5321 4.5.3.1.1

# The addresses that real mail systems give out: RFC 5321 dot-strings in ASCII, a domain of at least two labels.
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]{1,58}[a-z0-9])", re.ASCII)
_SEPARATORS = str.maketrans("", "", "-_.")

Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+$")]


class _Facts(Strict):
    roles: frozenset[Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+$")]]
    unreachable_domains: frozenset[Domain]
    providers: dict[str, tuple[Domain, ...]]


@lru_cache(maxsize=1)
def _facts() -> _Facts:
    return read_entry(FILE.read_text(encoding="utf-8"), _Facts, file=f"leads/{FILE.name}")


@lru_cache(maxsize=1)
def _provider_by_domain() -> dict[str, str]:
    return {domain: provider for provider, domains in _facts().providers.items() for domain in domains}


def normalise(email: str) -> str:
    """The one spelling we keep: trimmed, lower case. Says nothing about whether it is an address."""
    return email.strip().lower()


def why_not(email: str) -> str | None:
    """Why nobody should write to this normalised address, in two words; None if somebody may."""
    local, at, domain = email.rpartition("@")
    if not at or len(email) > MOST_CHARACTERS or len(local) > MOST_LOCAL:
        return "invalid address"
    if _LOCAL.fullmatch(local) is None or _DOMAIN.fullmatch(domain) is None:
        return "invalid address"
    if local.partition("+")[0].translate(_SEPARATORS) in _facts().roles:
        return "role address"
    if any(parent in _facts().unreachable_domains for parent in _parents(domain)):
        return "unreachable domain"
    return None


def provider_of(email: str) -> str:
    """Who runs the mail of this address, by its domain: google, microsoft, yahoo or `other`."""
    known = _provider_by_domain()
    domain = email.rpartition("@")[2]
    return next((known[parent] for parent in _parents(domain) if parent in known), OTHER)


def _parents(domain: str) -> list[str]:
    """`a.b.c` -> a.b.c, b.c."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(max(len(labels) - 1, 1))]
