"""Search adapters are data, checked when they load; whether one may be used is said in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pw_pipelines.errors import ConfigError, UsageError
from pw_pipelines.jurisdictions.book import book
from pw_pipelines.registry import portals
from pw_pipelines.registry.portals import Verified, adapters, read_adapter, road
from pw_pipelines.resources.page_script import known_problems
from pw_pipelines.settings import Mode, Settings

HERE = Path(portals.__file__).parent / "portals"
SANDBOX = Settings(sandbox_url="http://127.0.0.1:8900")
LIVE = Settings(mode=Mode.LIVE)
STAND_INS = {"WY", "BC", "MO"}


def changed(tmp_path: Path, change: dict[str, Any], *, at: tuple[str, ...] = ()) -> Path:
    """Missouri's adapter with something changed in it."""
    data = yaml.safe_load((HERE / "mo.yaml").read_text())
    inner = data
    for key in at:
        inner = inner[key]
    inner.update(change)
    file = tmp_path / "mo.yaml"
    file.write_text(yaml.safe_dump(data))
    return file


def test_every_state_searched_by_its_portal_has_an_adapter_file_and_no_other() -> None:
    assert adapters().keys() == {code for code, of in book().items() if of.search.method == "portal"}
    assert known_problems()


def test_portals_of_one_maker_share_what_their_family_says() -> None:
    utah, georgia = adapters()["UT"].script, adapters()["GA"].script

    assert utah is not None
    assert georgia is not None
    assert utah.results == georgia.results
    assert (len(utah.steps), len(georgia.steps)) == (3, 2)


def test_a_family_nobody_knows_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no registry/portals/families/windmill\.yaml"):
        read_adapter(changed(tmp_path, {"family": "windmill"}))


@pytest.mark.parametrize("code", sorted(book()))
def test_no_real_portal_is_asked_before_a_person_allowed_it_and_a_probe_saw_it(code: str) -> None:
    way = road(code, LIVE)

    assert way.why_not
    assert way.url is None
    assert way.look_url == book()[code].search.url


@pytest.mark.parametrize("code", sorted(book()))
def test_the_sandbox_gives_out_no_real_address(code: str) -> None:
    way = road(code, SANDBOX)

    if code in STAND_INS:
        assert (way.stance, way.why_not) == ("open", None)
        assert (way.url or "").startswith("http://127.0.0.1:8900/portals/")
    else:
        assert way.why_not
        assert way.url is None


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("DE", "forbids automatic searches"),
        ("WY", "whether a human is there"),
        ("MI", "whether a human is there"),
        ("VT", "whether a human is there"),
        ("WA", "whether a human is there"),
        ("MO", "Nobody has confirmed"),
        ("NJ", "Nobody has confirmed"),
    ],
)
def test_why_a_program_does_not_ask_is_a_sentence(code: str, why: str) -> None:
    assert why in (road(code, LIVE).why_not or "")


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Missouri's terms were read by a person: open."""
    of = book()["MO"]
    opened = of.model_copy(update={"automation": of.automation.model_copy(update={"stance": "open"})})
    monkeypatch.setattr(portals, "jurisdiction", lambda code: opened)


@pytest.mark.usefixtures("allowed")
def test_an_open_portal_waits_for_the_probe_of_its_selectors() -> None:
    assert road("MO", LIVE).why_not == "The adapter's selectors have not been verified by a probe."


@pytest.mark.usefixtures("allowed")
def test_an_open_portal_with_verified_selectors_is_asked_at_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Verified.model_validate({"day": "2026-11-20", "by": "probe"})
    verified = adapters()["MO"].model_copy(update={"verified": seen})
    monkeypatch.setattr(portals, "adapters", lambda: {"MO": verified})

    way = road("MO", LIVE)

    assert way.why_not is None
    assert way.url == book()["MO"].search.url
    assert way.pacing_seconds >= 5


@pytest.mark.usefixtures("allowed")
def test_an_open_portal_whose_page_nobody_has_read_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    unread = adapters()["NC"]
    assert unread.script is None
    monkeypatch.setattr(portals, "adapters", lambda: {"MO": unread})

    assert road("MO", LIVE).why_not == "There is no search adapter for this portal yet."


def test_an_unknown_state_is_a_wrong_question() -> None:
    with pytest.raises(UsageError, match="no jurisdiction"):
        road("XX", LIVE)


@pytest.mark.parametrize(
    ("change", "at", "field"),
    [
        ({"selectors": 1}, (), "selectors: Extra inputs"),
        ({"pacing_seconds": 0}, (), "pacing_seconds"),
        ({"live": ["("]}, (), "live"),
        ({"nothing": {}}, ("script", "results"), "script.results.nothing"),
        ({"page": None}, ("script", "results"), "`following` needs `page`"),
        ({"fields": {"name": {}}}, ("script", "results"), "`fields` needs id"),
        ({"total": {"pattern": "of [0-9]+"}}, ("script", "results"), "exactly one group"),
        ({"steps": [{"do": "click", "at": "#go"}]}, ("script",), "exactly one step must fill in"),
        ({"steps": [{"do": "fill", "value": "{name}"}]}, ("script",), "needs `at`"),
        ({"script": None}, (), "there is none"),
    ],
)
def test_a_wrong_adapter_is_refused_by_file_and_field(
    tmp_path: Path, change: dict[str, Any], at: tuple[str, ...], field: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        read_adapter(changed(tmp_path, change, at=at))

    assert "registry/portals/mo.yaml" in str(refused.value)
    assert field in str(refused.value)


def test_an_adapter_is_named_after_its_state(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be named after its state"):
        read_adapter(changed(tmp_path, {"state": "SD"}))


def test_a_file_that_is_no_yaml_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "wy.yaml"
    file.write_text("state: [WY")

    with pytest.raises(ConfigError, match=r"registry/portals/wy\.yaml is not valid YAML"):
        read_adapter(file)


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("Active", "live"),
        ("active - current", "live"),
        ("Inactive - Dissolved", "not_live"),
        ("Delinquent", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_status_nobody_has_named_is_unknown(status: str | None, standing: str) -> None:
    assert adapters()["WY"].standing(status) == standing
