"""The page to sign on, over HTTP: looking does nothing, one POST signs, and what attackers send does not."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.fulfillment.conftest import House, house
from tests.portal.conftest import serving
from tests.signing.making import EMAIL, NAME, STROKES, Scene, make_pdf, make_scene

__all__ = ["house"]


@dataclass
class Signer:
    """A signer's browser, by hand: cookies are kept, redirects followed."""

    url: str
    scene: Scene
    token: str
    browser: httpx.Client

    @property
    def path(self) -> str:
        return f"{self.url}/sign/{self.token}"

    def look(self) -> httpx.Response:
        return self.browser.get(self.path)

    def proof(self) -> str:
        [found] = set(re.findall(r'name="proof" value="([^"]+)"', self.look().text))
        return str(found)

    def fields(self, **changed: str) -> dict[str, str]:
        given = {"do": "sign", "name": NAME, "drawing": "", "consent": "yes"}
        return {key: value for key, value in {**given, **changed}.items() if value != "-"}

    def send(self, headers: dict[str, str] | None = None, **changed: str) -> httpx.Response:
        fields = self.fields(**{"proof": self.proof(), **changed})
        return self.browser.post(self.path, data=fields, headers=headers or {})


@pytest.fixture
def signer(house: House) -> Iterator[Signer]:
    scene = make_scene(house)
    token = scene.asked()
    with serving(house.ground.settings) as url, httpx.Client(follow_redirects=True, timeout=30) as browser:
        yield Signer(url, scene, token, browser)


def unsigned(signer: Signer) -> bool:
    return signer.scene.request().state == "open" and "signed" not in signer.scene.types()


def test_the_page_shows_the_documents_and_says_what_is_agreed_to(signer: Signer) -> None:
    page = signer.look()
    assert page.status_code == 200
    for words in ("CPNI certificate", "CPNI statement", "same legal effect", "withdraw this consent", "2 pages"):
        assert words in page.text, words
    assert "penalty of perjury" not in page.text
    assert NAME not in page.text, "the page does not tell the name it asks for"
    assert EMAIL not in page.text


def test_its_headers_keep_the_link_to_itself(signer: Signer) -> None:
    for path in ("", "/1.pdf", "/2/1.png"):
        reply = signer.browser.get(signer.path + path)
        assert reply.status_code == 200, path
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cache-control"] == "no-store"
        assert "noindex" in reply.headers["x-robots-tag"]
        policy = dict(part.strip().split(" ", 1) for part in reply.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in str(policy)
    text = signer.look().text
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//", text) == [], "nothing from anybody else"
    assert "<script>" not in text
    assert " style=" not in text


def test_the_pdf_is_the_very_one_that_was_made(signer: Signer) -> None:
    reply = signer.browser.get(f"{signer.path}/2.pdf")
    assert reply.content == signer.scene.object(signer.scene.documents()[1]["pdf_digest"])
    assert reply.headers["content-disposition"] == 'attachment; filename="cpni_statement.pdf"'
    assert signer.browser.get(f"{signer.path}/2/2.png").content.startswith(b"\x89PNG")
    for nowhere in ("3.pdf", "0.pdf", "-1.pdf", "1/2.png", "1/0.png", "2/99.png"):
        assert signer.browser.get(f"{signer.path}/{nowhere}").status_code in (404, 422), nowhere


def test_scanners_and_previews_sign_nothing(signer: Signer) -> None:
    """Mail gateways open links, ask for their heads, and follow what they find on the page."""
    for agent in ("Outlook Safe Links", "Proofpoint", "Slackbot-LinkExpanding"):
        with httpx.Client(headers={"User-Agent": agent}, follow_redirects=True, timeout=30) as scanner:
            assert scanner.get(signer.path).status_code == 200
            assert scanner.head(signer.path).status_code == 200
            assert scanner.options(signer.path).status_code == 405
            for link in re.findall(r'(?:src|href)="(/[^"]+)"', scanner.get(signer.path).text):
                scanner.get(signer.url + link)
            for method in ("PUT", "DELETE", "PATCH"):
                assert scanner.request(method, signer.path).status_code == 405
            assert scanner.post(signer.path).status_code == 403, "a POST of nothing, without our page before it"
    assert unsigned(signer)
    assert signer.scene.request().attempts_left == 5
    assert set(signer.scene.types()) == {"requested", "link_mailed", "link_opened"}


def test_a_head_alone_leaves_no_line_in_the_trail(signer: Signer) -> None:
    signer.browser.head(signer.path)
    assert "link_opened" not in signer.scene.types()


def test_signing_by_typing(signer: Signer) -> None:
    reply = signer.send(name="  ada q.  LOVELACE")
    assert reply.status_code == 200
    assert "Signed. Thank you." in reply.text
    assert reply.history[0].status_code == 303
    assert signer.scene.house.row(signer.scene.item_id)["state"] == "ready", "the item goes on by itself"
    assert signer.scene.work().came == "done"
    for path in ("/1.pdf", "/1/1.png"):
        assert signer.browser.get(signer.path + path).status_code == 404, "a used link shows nothing any more"


def test_a_second_post_is_told_that_it_is_signed(signer: Signer) -> None:
    proof = signer.proof()
    first = signer.browser.post(signer.path, data=signer.fields(proof=proof))
    second = signer.browser.post(signer.path, data=signer.fields(proof=proof))
    declined = signer.browser.post(signer.path, data=signer.fields(proof=proof, do="decline"))
    assert all("Signed. Thank you." in one.text for one in (first, second, declined))
    assert signer.scene.types().count("signed") == 1
    assert "declined" not in signer.scene.types()


def test_two_posts_at_once_sign_once(signer: Signer) -> None:
    fields = signer.fields(proof=signer.proof())
    cookies = dict(signer.browser.cookies)
    together, replies = threading.Barrier(6), []

    def post() -> None:
        together.wait()
        replies.append(httpx.post(signer.path, data=fields, cookies=cookies, follow_redirects=True, timeout=60))

    threads = [threading.Thread(target=post) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [reply.status_code for reply in replies] == [200] * 6
    assert signer.scene.types().count("signed") == 1
    assert signer.scene.types().count("consented") == 1


def test_declining_then_signing(signer: Signer) -> None:
    proof = signer.proof()
    reply = signer.browser.post(signer.path, data={"proof": proof, "do": "decline", "reason": "The name is wrong"})
    assert "You declined to sign" in reply.text
    again = signer.browser.post(signer.path, data=signer.fields(proof=proof))
    assert "You declined to sign" in again.text
    assert "signed" not in signer.scene.types()
    signer.scene.work()
    assert signer.scene.house.row(signer.scene.item_id)["gate"] == "held"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"consent": "-"}, "agree to sign electronically"),
        ({"consent": "no"}, "agree to sign electronically"),
        ({"name": "   "}, "Type your full name"),
        ({"drawing": "1,1"}, "too small to be a signature"),
        ({"drawing": "<svg onload=alert(1)>"}, "could not be read"),
        ({"do": "-"}, "Press “Sign”"),
        ({"do": "delete"}, "Press “Sign”"),
    ],
)
def test_what_is_missing_is_said_and_costs_no_attempt(signer: Signer, changed: dict[str, str], says: str) -> None:
    reply = signer.send(**changed)
    assert reply.status_code == 400
    assert says in reply.text
    assert "alert(1)" not in reply.text
    assert ('value="yes" checked' in reply.text) == ("consent" not in changed)
    assert unsigned(signer)
    assert signer.scene.request().attempts_left == 5


def test_a_wrong_name_costs_an_attempt_and_the_last_one_the_link(signer: Signer) -> None:
    for left in ("4 tries are", "3 tries are", "2 tries are", "1 try is"):
        reply = signer.send(name="Charles <b>Babbage</b>")
        assert reply.status_code == 400
        assert f"{left} left" in reply.text
        assert "<b>Babbage" not in reply.text
        assert 'name="consent" value="yes" checked' in reply.text, "the tick stays"
    reply = signer.send(name="Charles Babbage")
    assert "does not work any more" in reply.text
    assert signer.browser.post(signer.path, data=signer.fields(proof="x")).status_code in (403, 410)
    assert "signed" not in signer.scene.types()
    signer.scene.work()
    assert signer.scene.house.row(signer.scene.item_id)["gate"] == "held"


def test_a_form_from_another_site_signs_nothing(signer: Signer) -> None:
    proof = signer.proof()
    attacks: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"proof": proof}, {"Sec-Fetch-Site": "cross-site"}),
        ({"proof": proof}, {"Origin": "https://attacker.example"}),
        ({"proof": "0" * 64}, {}),
        ({"proof": "-"}, {}),
    ]
    for changed, headers in attacks:
        reply = signer.browser.post(signer.path, data=signer.fields(**changed), headers=headers)
        assert reply.status_code == 403, (changed, headers)
        assert "did not show that this form is ours" in reply.text
    without_cookie = httpx.post(signer.path, data=signer.fields(proof=proof), timeout=30)
    assert without_cookie.status_code == 403
    hidden = httpx.post(signer.path, data=signer.fields(proof=proof), headers={"Origin": "null"}, timeout=30)
    assert hidden.status_code == 403, "an opaque origin without our cookie"
    assert unsigned(signer)
    assert signer.scene.request().attempts_left == 5


def test_a_browser_that_hides_its_origin_because_we_asked_it_to_can_sign(signer: Signer) -> None:
    """`Referrer-Policy: no-referrer` makes `Origin: null`; old browsers send no Sec-Fetch-Site beside it."""
    assert "Signed. Thank you." in signer.send(headers={"Origin": "null"}).text


def test_the_perjury_statement_must_be_ticked_where_the_rule_asks_it(signer: Signer) -> None:
    with signer.scene.house.connect() as connection:
        connection.execute("update pw.signature_requests set needs_perjury_statement = true")
    assert "under penalty of perjury under the laws of the United States" in signer.look().text
    for changed in ({}, {"asks_perjury": "yes"}, {"asks_perjury": "no"}):
        reply = signer.send(**changed)
        assert reply.status_code == 400
        assert "make the declaration" in reply.text
    assert unsigned(signer)
    assert "Signed" in signer.send(perjury="yes", asks_perjury="yes").text
    assert "perjury_declared" in signer.scene.types()


def test_links_that_open_nothing_say_why(signer: Signer) -> None:
    bad = signer.browser.get(f"{signer.url}/sign/{signer.token[:-3]}abc")
    assert bad.status_code == 404
    assert "not valid" in bad.text
    assert "CPNI" not in bad.text
    for odd in ("x", "..%2f..%2fetc%2fpasswd", "%00", "{{7*7}}", "a" * 5000, "%ff%fe"):
        reply = signer.browser.get(f"{signer.url}/sign/{odd}")
        assert reply.status_code == 404, odd
        assert "49" not in re.sub(r"\?[0-9a-f]{12}", "", reply.text.split("<main")[1].split("</main")[0])
    signer.scene.move(days=20)
    late = signer.look()
    assert late.status_code == 410
    assert "has expired" in late.text


def test_documents_made_anew_after_the_link_was_sent(signer: Signer) -> None:
    proof = signer.proof()
    signer.scene.draw_up("cpni_certificate", "CPNI certificate", make_pdf("The certificate, corrected"))
    assert signer.look().status_code == 410
    reply = signer.browser.post(signer.path, data=signer.fields(proof=proof))
    assert reply.status_code == 410
    assert "documents have changed" in reply.text
    assert "signed" not in signer.scene.types()
    assert signer.scene.work().came == "gate"
    assert signer.scene.mailbox.token() != signer.token, "a new link is sent"


def test_another_signer_took_over(signer: Signer) -> None:
    proof = signer.proof()
    signer.scene.put_signer("Grace Hopper", "grace@example.com")
    for name in (NAME, "Grace Hopper"):
        assert signer.browser.post(signer.path, data=signer.fields(proof=proof, name=name)).status_code == 410
    assert "signed" not in signer.scene.types()
    signer.scene.work()
    assert signer.scene.mailbox.sent[-1]["To"] == "grace@example.com"


def test_another_item_s_link_and_cookie_sign_only_their_own(signer: Signer) -> None:
    other = make_scene(signer.scene.house)
    token = other.asked()
    reply = signer.browser.post(f"{signer.url}/sign/{token}", data=signer.fields(proof=signer.proof()))
    assert "Signed" in reply.text
    assert "signed" in other.types()
    assert unsigned(signer)


@pytest.mark.parametrize(
    "make",
    [
        lambda fields: {**fields, "name": "A" * 100_000},
        lambda fields: {**fields, **{f"field{number}": "x" for number in range(50)}},
    ],
)
def test_bodies_beyond_measure(signer: Signer, make: Callable[[dict[str, str]], dict[str, str]]) -> None:
    reply = signer.browser.post(signer.path, data=make(signer.fields(proof=signer.proof())))
    assert reply.status_code in (400, 413)
    assert unsigned(signer)


def test_odd_characters_in_what_is_sent(signer: Signer) -> None:
    odd: list[dict[str, Any]] = [
        {"name": "\0"}, {"name": "\ud800".encode("utf-8", "surrogatepass")}, {"drawing": "\0"}, {"do": "decline\0"},
    ]  # fmt: skip
    for changed in odd:
        fields = {**signer.fields(proof=signer.proof()), **changed}
        assert signer.browser.post(signer.path, data=fields).status_code in (400, 403), changed
    assert unsigned(signer)


def test_the_link_is_in_no_log(signer: Signer, capfd: pytest.CaptureFixture[str]) -> None:
    signer.send(drawing=STROKES)
    signer.browser.get(f"{signer.url}/sign/{signer.token}x")
    told = "".join(capfd.readouterr())
    assert signer.token not in told
    assert signer.token.split(".")[2] not in told
    assert NAME not in told
