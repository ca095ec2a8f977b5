"""Signing once, by the right person, of the right documents; declining; attempts; what is kept of it."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import psycopg
import pytest

from pw_pipelines.documents.signing import ceremony, chain, names
from pw_pipelines.documents.signing.links import LinkRefused
from pw_pipelines.documents.signing.marks import strokes_of
from pw_pipelines.errors import UsageError
from tests.signing.making import EMAIL, NAME, STROKES, Scene, make_scene


def test_signing_consumes_the_link(scene: Scene) -> None:
    token = scene.asked()
    assert scene.sign(token) == "signed"
    assert scene.request().signed_at is not None
    for again in (scene.open, scene.sign, scene.decline):
        with pytest.raises(LinkRefused) as error:
            again(token)
        assert error.value.kind == "signed"
    assert scene.types().count("signed") == 1


def test_of_many_presses_at_once_exactly_one_signs(scene: Scene) -> None:
    token = scene.asked()
    together, outcomes = threading.Barrier(8), []

    def press() -> None:
        together.wait()
        try:
            outcomes.append(f"{scene.sign(token)} now")
        except LinkRefused as refused:
            outcomes.append(f"{refused.kind} before")

    presses = [threading.Thread(target=press) for _ in range(8)]
    for one in presses:
        one.start()
    for one in presses:
        one.join()
    assert sorted(outcomes) == ["signed before"] * 7 + ["signed now"]
    assert scene.types().count("signed") == 1
    assert len(scene.house.rows("select 1 from pw.private_values where name like 'signature_%%'")) == 1


def test_a_press_to_sign_and_one_to_decline_at_once_have_one_outcome(scene: Scene) -> None:
    token = scene.asked()
    together, kinds = threading.Barrier(2), []

    def do(deed: str) -> None:
        together.wait()
        try:
            scene.sign(token) if deed == "signed" else scene.decline(token)
            kinds.append(deed)
        except LinkRefused:
            pass

    both = [threading.Thread(target=do, args=(deed,)) for deed in ("signed", "declined")]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(kinds) == 1
    assert scene.request().state == kinds[0]


def test_opening_a_link_any_number_of_times_signs_nothing(scene: Scene) -> None:
    token = scene.asked()
    for _ in range(ceremony.MOST_OPENINGS + 5):
        with scene.house.connect() as connection:
            ceremony.note_opened(connection, scene.open(token), now=scene.now)
    assert scene.types().count("link_opened") == ceremony.MOST_OPENINGS
    assert scene.request().state == "open"
    assert scene.request().attempts_left == 5
    assert not {"viewed", "seen"} & set(scene.types())


def test_a_wrong_name_costs_an_attempt_and_the_last_one_the_link(scene: Scene) -> None:
    token = scene.asked()
    for left in (4, 3, 2, 1):
        assert scene.sign(token, typed_name="Charles Babbage") == "name_differs"
        assert scene.request().attempts_left == left
    assert scene.sign(token, typed_name="Charles Babbage") == "used_up"
    with pytest.raises(LinkRefused) as error:
        scene.sign(token, typed_name=NAME)
    assert error.value.kind == "revoked"
    assert scene.types()[-3:] == ["name_differs", "attempts_used_up", "revoked"]


def test_declining_ends_the_link_and_keeps_the_reason_private(scene: Scene) -> None:
    token = scene.asked()
    scene.decline(token, "My name is spelt\nwrong: it is Adah")
    with pytest.raises(LinkRefused) as error:
        scene.sign(token)
    assert error.value.kind == "declined"
    with scene.house.connect() as connection:
        kept = scene.house.ground.vault.get(
            connection, scene.item_id, ceremony.reason_name(scene.request()), by="t", why="t", now=scene.now
        )
    assert kept == "My name is spelt\nwrong: it is Adah"
    assert "Adah" not in json.dumps([dict(one.data) for one in scene.chain()])


def test_without_the_ticks_nothing_is_signed_and_no_attempt_is_spent(scene: Scene) -> None:
    token = scene.asked()
    with pytest.raises(UsageError, match="ticked"):
        scene.sign(token, consents=False)
    with scene.house.connect() as connection:
        connection.execute("update pw.signature_requests set needs_perjury_statement = true")
    with pytest.raises(UsageError, match="ticked"):
        scene.sign(token, declares=False)
    assert scene.request().attempts_left == 5
    assert scene.sign(token) == "signed"
    assert scene.types()[-3:] == ["consented", "perjury_declared", "signed"]


@pytest.mark.parametrize(
    "typed", ["ada q. lovelace", "  ADA  Q.   LOVELACE ", "Ada Q Lovelace", "Ada\u00a0Q.\u200bLovelace", "AdaQLovelace"]
)
def test_a_name_fits_whatever_its_capitals_and_blanks(typed: str) -> None:
    assert names.fits(typed, NAME)


@pytest.mark.parametrize("typed", ["", " ", ".", "Ada", "Ada Lovelace", "Ada Q. Lovelace Jr", "Аda Q. Lovelace"])
def test_another_name_does_not_fit(typed: str) -> None:
    assert not names.fits(typed, NAME)
    assert not names.fits(typed, "")


def test_names_of_the_world_fit_as_people_type_them() -> None:
    assert names.fits("jean-luc o'brien", "Jean‑Luc O’Brien")
    assert names.fits("JOSÉ NUÑEZ", "José Nuñez")
    assert names.fits("STRASSER", "Straßer")


@pytest.mark.parametrize(
    "name",
    [
        "{{ 7*7 }} {% include '/etc/passwd' %}",
        "<script>alert(1)</script><b>x</b>",
        '=HYPERLINK("http://evil.example","x")',
        "../../../etc/passwd",
        "Robert'); drop table pw.orders;--",
        "[[signature]] %s %(name)s $HOME `id`",
        "Ada\u202egnp.exe Lovelace",
    ],
)  # fmt: skip
def test_a_name_that_is_code_is_a_name(house, name: str) -> None:  # type: ignore[no-untyped-def]
    scene = make_scene(house)
    scene.put_signer(name=name)
    token = scene.asked()
    assert scene.sign(token, typed_name=name) == "signed"
    assert "49" not in scene.mailbox.text(0).split("http")[0]
    scene.reopen()
    assert scene.work().came == "done"
    text = shown_text(scene.object(scene.documents()[0]["signed_digest"]))
    assert names.clean(name).replace(" ", "") in text.replace("\r\n", "").replace(" ", "")
    files = [part.get_filename() for part in scene.mailbox.sent[-1].iter_attachments()]
    assert files == ["cpni_certificate-signed.pdf", "cpni_statement-signed.pdf"]


def shown_text(pdf: bytes) -> str:
    """All text of a PDF's pages."""
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document)


@pytest.mark.parametrize(
    "text",
    [
        "1,2", "1,2 3,4;", ";", "1,2;;3,4", "1001,2 3,4", "1,321 2,2", "-1,2 3,4", "1.5,2 3,4", "a,b", "1,2 3",
        "<svg/onload=alert(1)>", "1,2\n3,4", "1,1 1,1 1,1 1,1 1,1 1,1 1,1 1,1 1,1", "٣,٤ ٣,٥", "9" * 9000,
        " ".join("5,5" for _ in range(5000)),
    ],
)  # fmt: skip
def test_a_drawing_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="drawing"):
        strokes_of(text)


def test_a_drawing_is_read_as_strokes() -> None:
    assert strokes_of("") == ()
    assert len(strokes_of(STROKES)) == 2
    assert strokes_of(STROKES)[1][0] == (620, 90)


def test_the_chain_holds_no_name_address_or_mark(scene: Scene) -> None:
    token = scene.asked()
    scene.sign(token, strokes=STROKES, ip="198.51.100.23", user_agent="Peculiar/9.9")
    scene.reopen()
    assert scene.work().came == "done"
    told = json.dumps([dict(one.data) for one in scene.chain()])
    for private in (NAME, "Lovelace", EMAIL, "198.51.100.23", "Peculiar", "150,100"):
        assert private not in told


def test_the_signature_s_record_is_encrypted(scene: Scene) -> None:
    scene.sign(scene.asked(), strokes=STROKES)
    with scene.house.connect() as connection:
        rows = connection.execute("select ciphertext from pw.private_values").fetchall()
    assert all(b"Lovelace" not in bytes(row["ciphertext"]) for row in rows)


def test_the_database_refuses_to_change_or_shorten_the_chain(scene: Scene) -> None:
    scene.asked()
    for deed in ("update pw.signature_events set type = 'signed'", "delete from pw.signature_events"):
        with pytest.raises(psycopg.errors.CheckViolation), scene.house.connect() as connection:
            connection.execute(deed)


def test_a_chain_that_was_tampered_with_shows_where(scene: Scene) -> None:
    scene.sign(scene.asked())
    events = scene.chain()
    assert chain.breaks(events) == []
    assert "Event 2" in chain.breaks([events[0], *events[2:]])[0]
    assert "out of place" in chain.breaks([events[1], events[0], *events[2:]])[0]
    changed = replace(events[-1], data={**events[-1].data, "kind": "drawn"})
    assert chain.breaks([*events[:-1], changed]) == [
        f"Event {events[-1].seq} (signed) is not what it was when it was written."
    ]
    rehashed = replace(events[1], data={"why": "x"})
    rehashed = replace(rehashed, hash=chain.hash_of(rehashed))
    assert any("does not follow" in one for one in chain.breaks([events[0], rehashed, *events[2:]]))


def test_events_added_at_once_take_turns(scene: Scene) -> None:
    request = scene.open(scene.asked())

    def add() -> None:
        for _ in range(3):
            with scene.house.connect() as connection:
                ceremony.note_opened(connection, request, now=scene.now)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert chain.breaks(scene.chain()) == []
    assert scene.types().count("link_opened") == 12
