"""Which addresses we write to, and who runs their mail."""

from __future__ import annotations

import pytest

from pw_pipelines.leads.addresses import normalise, provider_of, why_not


@pytest.mark.parametrize(
    "email",
    ["ann@alpha.example", "o'hara@alpha.example", "a.b+fcc@x-y.alpha.example", "regulatory@alpha.example", "a@b.co"],
)
def test_people_and_offices_of_the_trade_are_written_to(email: str) -> None:
    assert why_not(email) is None


@pytest.mark.parametrize(
    ("email", "why"),
    [
        ("postmaster@alpha.example", "role address"),
        ("no-reply@alpha.example", "role address"),
        ("no.reply+fcc@alpha.example", "role address"),
        ("Do_Not_Reply@alpha.example", "role address"),
        ("mailer-daemon@alpha.example", "role address"),
        ("n/a", "invalid address"),
        ("", "invalid address"),
        ("ann@alpha", "invalid address"),
        ("ann@@alpha.example", "invalid address"),
        ("ann smith@alpha.example", "invalid address"),
        ("ann@alpha..example", "invalid address"),
        (".ann@alpha.example", "invalid address"),
        ("ann@-alpha.example", "invalid address"),
        ("ann@alpha.example; bob@alpha.example", "invalid address"),
        ("ann@alpha.example\n", "invalid address"),
        ("änn@alpha.example", "invalid address"),
        ("a" * 65 + "@alpha.example", "invalid address"),
        ("ann@sub.test.com", "unreachable domain"),
    ],
)
def test_roles_and_broken_addresses_are_not(email: str, why: str) -> None:
    assert why_not(email.lower()) == why


@pytest.mark.parametrize(
    ("email", "provider"),
    [
        ("a@gmail.com", "google"),
        ("a@firm.onmicrosoft.com", "microsoft"),
        ("a@sbcglobal.net", "yahoo"),
        ("a@notgmail.com", "other"),
        ("a@gmail.com.alpha.example", "other"),
    ],
)
def test_the_provider_is_known_by_the_domain_and_its_parents(email: str, provider: str) -> None:
    assert provider_of(email) == provider


def test_one_spelling_is_kept() -> None:
    assert normalise(" Ann@Alpha.Example ") == "ann@alpha.example"
