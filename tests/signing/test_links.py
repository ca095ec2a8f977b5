"""Links that are tampered with, old, another's, or signed by other means: none opens anything."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from pw_pipelines.documents.signing import links, requests
from pw_pipelines.documents.signing.keys import link_keys
from pw_pipelines.documents.signing.links import LinkRefused
from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Mode, Settings
from tests.signing.making import NAME, Scene, make_pdf, make_scene


def b64(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, body, seal = token.split(".")
    return json.loads(base64.urlsafe_b64decode(head + "==")), json.loads(base64.urlsafe_b64decode(body + "==")), seal


def hs256(head: dict[str, Any], body: dict[str, Any], key: bytes) -> str:
    """A token signed by HS256 whatever its header says."""
    text = f"{b64(head)}.{b64(body)}"
    return f"{text}.{b64(hmac.digest(key, text.encode(), 'sha256'))}"


def refused(scene: Scene, token: str, kind: str) -> None:
    with pytest.raises(LinkRefused) as error:
        scene.open(token)
    assert error.value.kind == kind
    with pytest.raises(LinkRefused):
        scene.sign(token)
    assert [one["signed_digest"] for one in scene.documents()] == [None, None]
    assert "signed" not in scene.types()


def test_a_link_opens_what_it_was_made_for(scene: Scene) -> None:
    request = scene.open(scene.asked())
    assert (request.item_id, request.state, len(request.documents)) == (scene.item_id, "open", 2)


def test_the_books_hold_no_link_and_the_same_link_can_be_made_again(scene: Scene) -> None:
    token = scene.asked()
    request = scene.request()
    assert requests.link_of(request, scene.keys, "https://example.com").endswith(f"/sign/{token}")
    _, body, seal = parts(token)
    for table in ("signature_requests", "signature_events", "effects", "effect_events", "item_work", "item_events"):
        told = json.dumps(scene.house.rows(f"select * from pw.{table}"), default=str)
        assert body["jti"] not in told, table
        assert seal not in told, table


def test_a_link_fits_what_mail_gateways_bear(scene: Scene) -> None:
    assert len(scene.asked()) < 500


def test_a_claim_that_was_changed(scene: Scene) -> None:
    head, body, seal = parts(scene.asked())
    for claim, value in body.items():
        other = value + 86_400 if isinstance(value, int) else "x" + str(value)[1:]
        refused(scene, f"{b64(head)}.{b64({**body, claim: other})}.{seal}", "unsound")


CLAIMS: list[Callable[[dict[str, Any]], Any]] = [
    lambda body: body.pop("exp"),
    lambda body: body.pop("iat"),
    lambda body: body.pop("nbf"),
    lambda body: body.pop("jti"),
    lambda body: body.pop("sub"),
    lambda body: body.pop("aud"),
    lambda body: body.pop("iss"),
    lambda body: body.update(exp=True),
    lambda body: body.update(exp=float(body["exp"]) + 0.5),
    lambda body: body.update(exp=str(body["exp"])),
    lambda body: body.update(aud=[body["aud"], "other"]),
    lambda body: body.update(aud="other"),
    lambda body: body.update(iss="performance"),
    lambda body: body.update(extra="claim"),
    lambda body: body.update(req=10**12),
    lambda body: body.update(req=-1),
    lambda body: body.update(exp=body["exp"] + 86_400 * 365),
    lambda body: body.update(sub="somebody-else"),
]


def test_claims_that_lack_or_differ_even_when_signed_with_our_own_key(scene: Scene) -> None:
    head, body, _ = parts(scene.asked())
    for change in CLAIMS:
        changed = dict(body)
        change(changed)
        refused(scene, hs256(head, changed, scene.keys.tokens), "unsound")


HEADERS: list[dict[str, Any]] = [
    {"kid": "../../../../dev/null"},
    {"kid": "' union select 'key' --"},
    {"jku": "https://attacker.example/keys"},
    {"x5u": "https://attacker.example/cert"},
    {"jwk": {"kty": "oct", "k": "AAAA"}},
    {"crit": ["exp"]},
    {"b64": False, "crit": ["b64"]},
    {"typ": "other"},
    {"zip": "DEF"},
]


def test_a_header_that_wants_to_choose_something(scene: Scene) -> None:
    head, body, _ = parts(scene.asked())
    for change in HEADERS:
        refused(scene, hs256({**head, **change}, body, scene.keys.tokens), "unsound")


def test_no_algorithm(scene: Scene) -> None:
    token = scene.asked()
    _, body, seal = parts(token)
    for name in ("none", "None", "NONE", ""):
        for end in ("", seal):
            refused(scene, f"{b64({'alg': name, 'typ': 'JWT'})}.{b64(body)}.{end}", "unsound")


def test_another_algorithm_with_our_key(scene: Scene) -> None:
    _, body, _ = parts(scene.asked())
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = jwt.encode(body, scene.keys.tokens, algorithm="HS512")
    refused(scene, token, "unsound")
    refused(scene, hs256({"alg": "HS512", "typ": "JWT"}, body, scene.keys.tokens), "unsound")


def test_a_public_key_used_as_a_secret_and_a_signature_by_its_private_half(scene: Scene) -> None:
    _, body, _ = parts(scene.asked())
    private = rsa.generate_private_key(65537, 2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    refused(scene, hs256({"alg": "HS256", "typ": "JWT"}, body, public), "unsound")
    refused(scene, jwt.encode(body, private, algorithm="RS256"), "unsound")


def test_a_key_of_nothing(scene: Scene) -> None:
    head, body, _ = parts(scene.asked())
    for key in (b"", b"\0" * 32, b"secret"):
        refused(scene, hs256(head, body, key), "unsound")


DRESSED: list[Callable[[str], str]] = [
    lambda token: token.lower(),
    lambda token: token[:-1],
    lambda token: token + "=",
    lambda token: token + ".",
    lambda token: token + "A",
    lambda token: " " + token,
    lambda token: token.replace(".", "%2E"),
    lambda token: token[:-1] + chr(ord(token[-1]) ^ 1),
    lambda token: "",
    lambda token: "..",
    lambda token: "\0",
    lambda token: "A" * 100_000,
    lambda token: "{{7*7}}.<script>.../../etc/passwd",
]


def test_a_link_that_was_cut_off_or_dressed_up(scene: Scene) -> None:
    token = scene.asked()
    for change in DRESSED:
        refused(scene, change(token), "unsound")


def test_the_last_letter_of_a_link_can_not_be_varied(scene: Scene) -> None:
    """Base64 leaves bits of the last letter unread: such a look-alike is another link."""
    token = scene.asked()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [token[:-1] + letter for letter in alphabet if letter != token[-1]]
    for other in others:
        with pytest.raises(LinkRefused):
            scene.open(other)


def test_an_expired_link(scene: Scene) -> None:
    token = scene.asked()
    scene.move(days=15)
    refused(scene, token, "expired")


def test_a_link_from_the_future(scene: Scene) -> None:
    token = scene.asked()
    scene.move(hours=-1)
    refused(scene, token, "early")


def test_a_link_of_another_signer(scene: Scene) -> None:
    """The first signer's link, after another signer took over."""
    token = scene.asked()
    scene.put_signer("Grace Hopper", "grace@example.com")
    with pytest.raises(LinkRefused) as error:
        scene.sign(token, typed_name=NAME)
    assert error.value.kind == "changed"
    with pytest.raises(LinkRefused):
        scene.sign(token, typed_name="Grace Hopper")
    assert "signed" not in scene.types()


def test_a_link_sent_to_another_address_than_the_signer_has_now(scene: Scene) -> None:
    token = scene.asked()
    scene.put_signer(NAME, "ada@elsewhere.example")
    with pytest.raises(LinkRefused, match="changed"):
        scene.sign(token)


def test_a_link_of_another_item_signs_only_that_item(scene: Scene) -> None:
    mine = scene.asked()
    other = make_scene(scene.house)
    theirs = other.asked()
    head, body, _ = parts(mine)
    _, foreign, _ = parts(theirs)
    for claim in ("itm", "req", "dig", "jti", "sub"):
        mixed = {**body, claim: foreign[claim]}
        refused(scene, hs256(head, mixed, scene.keys.tokens), "unsound")
    assert scene.sign(mine) == "signed"
    assert "signed" not in other.types()


def test_a_replaced_link(scene: Scene) -> None:
    old = scene.asked()
    with scene.house.connect() as connection:
        requests.close(connection, scene.request(), "revoked", why="replaced", now=scene.now)
    scene.reopen()
    new = scene.asked()
    assert new != old
    refused(scene, old, "revoked")
    assert scene.sign(new) == "signed"


def test_a_link_made_under_another_secret(scene: Scene) -> None:
    """PW_LINK_KEY was changed: old links are dead, and the stage sends one under the new secret."""
    old = scene.asked()
    settings = scene.house.ground.settings
    scene.house.ground.settings = settings.model_copy(
        update={"link_key": SecretStr("another secret, long enough: 1234")}
    )
    refused(scene, old, "unsound")
    scene.reopen()
    assert scene.sign(scene.asked()) == "signed"


def test_documents_made_anew_after_the_link_was_sent(scene: Scene) -> None:
    token = scene.asked()
    scene.draw_up("cpni_statement", "CPNI statement", make_pdf("The statement, corrected"))
    with pytest.raises(LinkRefused) as error:
        scene.sign(token)
    assert error.value.kind == "changed"
    scene.reopen()
    assert scene.sign(scene.asked()) == "signed"


def test_a_secret_must_be_long_and_live_mode_needs_one(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="32 or more"):
        link_keys(settings.model_copy(update={"link_key": SecretStr("x" * 31)}))
    with pytest.raises(ConfigError, match="PW_LINK_KEY is not set"):
        link_keys(settings.model_copy(update={"mode": Mode.LIVE}))
    assert link_keys(settings) == link_keys(settings), "the sandbox keeps the key it made"
    assert (settings.home / "keys" / "link.key").stat().st_mode & 0o077 == 0
    assert "tokens" not in repr(link_keys(settings))


def test_the_clock_s_small_differences_do_no_harm(scene: Scene) -> None:
    token = scene.asked()
    request = scene.request()
    at = request.created_at - timedelta(seconds=links.LEEWAY_SECONDS - 1)
    assert links.request_of(token, scene.keys, at) == request.request_id
