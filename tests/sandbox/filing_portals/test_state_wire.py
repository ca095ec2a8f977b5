"""The stand-ins of Wyoming, the IRS, British Columbia and the agents' wholesaler at the wire: what they take, what they
refuse, and that they count what was truly submitted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pw_pipelines.jurisdictions.book import jurisdiction
from pw_pipelines.settings import Settings
from tests.fixtures_sandbox import SEED, serving
from tests.sandbox.filing_portals.state_visitor import PDF, WYOMING, Visitor, found, view_state


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), sandbox_seed=SEED)
    with serving(settings) as url:
        yield settings.model_copy(update={"sandbox_url": url})


@pytest.fixture
def visitor(running: Settings) -> Iterator[Visitor]:
    someone = Visitor(running)
    someone.quiet()
    yield someone
    someone.client.close()


# --- Wyoming


def test_wyoming_forms_a_company_for_the_fee_on_record(visitor: Visitor) -> None:
    last = visitor.wyoming()
    assert visitor.filed("wy_registry") == 0

    done = visitor.post_wyoming(last, WYOMING["signature"])
    fee = jurisdiction("WY").fees["llc_formation"].value
    assert found(done, r'lblCharged">\$([\d.]+)<') == f"{fee:.2f}"
    certificate = found(done, r'href="(Certificate[^"]+)"')
    paper = visitor.client.get(f"/filing/wy_registry/Business/{certificate}")
    assert paper.content.startswith(b"%PDF-")
    assert visitor.filed("wy_registry") == 1


def test_wyoming_files_the_last_page_again_when_it_is_posted_again(visitor: Visitor) -> None:
    last = visitor.wyoming()
    numbers = {found(visitor.post_wyoming(last, WYOMING["signature"]), r"(\d{4}-\d{9})") for _ in range(2)}
    listed = visitor.client.get("/filing/wy_registry/Business/FilingSearch.aspx?name=larkmoor").text
    assert visitor.filed("wy_registry") == 2 == len(numbers)
    assert all(number in listed for number in numbers)


def test_wyoming_refuses_a_name_it_cant_tell_from_one_on_record(visitor: Visitor) -> None:
    refused = visitor.wyoming(name={"txtEntityName": "Blue Foxes, Inc."})  # The Blue Fox LLC is on its register
    assert "The Blue Fox LLC" in refused
    assert 'id="MainContent_lblTitle">Name<' in refused

    visitor.post_wyoming(visitor.wyoming(), WYOMING["signature"])
    assert 'lblTitle">Signature<' in visitor.wyoming()  # of the same day: not indexed yet
    visitor.later(days=1)
    assert "Quillfeather Larkmoor LLC" in found(visitor.wyoming(), r"(?s)lstTaken\">(.*?)</ul>")


@pytest.mark.parametrize(
    ("step", "answers"),
    [
        ("type", {"rblType": ""}),
        ("agent", {"chkConsent": ""}),
        ("office", {"txtMailing": " "}),
        ("payment", {"txtPin": "0000"}),
        ("payment", {"rblPay": "card"}),
        ("signature", {"chkCertify": ""}),
    ],
)
def test_wyoming_goes_on_only_when_a_page_is_whole(visitor: Visitor, step: str, answers: dict[str, str]) -> None:
    page = visitor.wyoming(until=step)
    again = visitor.post_wyoming(page, WYOMING[step] | answers)
    assert "MainContent_ValidationSummary" in again
    assert found(again, r'lblTitle">([^<]+)<') == found(page, r'lblTitle">([^<]+)<')
    assert visitor.filed("wy_registry") == 0


def test_wyoming_takes_articles_as_pdf_alone(visitor: Visitor) -> None:
    page = visitor.wyoming(until="articles")
    assert "must be a PDF" in visitor.post_wyoming(page, {}, pdf=b"PK\x03\x04")


def test_wyoming_files_no_page_that_is_not_its_own(visitor: Visitor) -> None:
    address, last = "/filing/wy_registry/Business/submit", visitor.wyoming()
    first = visitor.client.get("/filing/wy_registry/Business/Create.aspx").text
    sealed = view_state(last)
    bad = [{}, {"__VIEWSTATE": sealed[:-8] + "AAAAAAA="}, {"__VIEWSTATE": "x"}, {"__VIEWSTATE": view_state(first)}]
    assert [visitor.client.post(address, data=one | WYOMING["signature"]).status_code for one in bad] == [500] * 4
    assert visitor.filed("wy_registry") == 0


# --- the IRS


def test_the_irs_gives_a_number_and_its_letter_once(visitor: Visitor) -> None:
    done = visitor.irs()
    assert re.search(r'id="ein">\d{2}-\d{7}<', done)
    letter = found(done, r'id="cp575" href="([^"]+)"')
    first, second = visitor.client.get(letter), visitor.client.get(letter)
    assert first.content.startswith(b"%PDF-")
    assert (second.status_code, "letter-gone" in second.text) == (410, True)


def test_the_irs_has_no_page_that_tells_what_it_did(visitor: Visitor) -> None:
    visitor.irs()
    again = [visitor.client.get("/filing/irs_ein/applyein/summary").text,
             visitor.client.post("/filing/irs_ein/applyein/submit").text]  # fmt: skip
    assert all("session-over" in page for page in again)
    assert visitor.filed("irs_ein") == 1


def test_the_irs_gives_one_number_a_day_for_one_party_and_another_the_next_day(visitor: Visitor) -> None:
    assert "assigned" in visitor.irs()
    same_party = {"responsible": {"ssn": "900123456"}, "details": {"legalName": "Another Company LLC"}}
    assert "one per\nresponsible party per day" in visitor.irs(**same_party)
    assert "assigned" in visitor.irs(responsible={"ssn": "900-65-4321"})
    visitor.later(days=1)
    assert "assigned" in visitor.irs()
    assert visitor.filed("irs_ein") == 3


def test_the_irs_drops_a_session_that_rested_fifteen_minutes(visitor: Visitor) -> None:
    page = visitor.irs(until="reason")
    visitor.later(minutes=14.9)
    assert "Why is an EIN" in visitor.client.get("/filing/irs_ein/applyein/reason").text
    visitor.later(minutes=14.9)
    assert "Why is an EIN" in page
    assert (
        'data-page="responsible"'
        in visitor.client.post("/filing/irs_ein/applyein/reason", data={"reason": "started"}).text
    )
    visitor.later(minutes=15)
    assert "session-over" in visitor.client.get("/filing/irs_ein/applyein/responsible").text


def test_the_irs_begins_in_its_hours_alone_and_lets_a_session_end_after_them(visitor: Visitor) -> None:
    visitor.tell("irs_ein", hours=[["mon", "06:00", "12:01"]])
    visitor.irs(until="letter")
    visitor.later(minutes=5)
    closed = visitor.client.get("/filing/irs_ein/applyein/").text
    assert 'id="closed"' in closed
    assert 'id="begin"' not in closed
    visitor.client.post("/filing/irs_ein/applyein/letter", data={"letter": "online"})
    assert "assigned" in visitor.client.post("/filing/irs_ein/applyein/submit").text
    assert 'id="closed"' in visitor.client.post("/filing/irs_ein/applyein/begin").text


@pytest.mark.parametrize("reference", ["101", "109"])
@pytest.mark.parametrize("assigned", [False, True])
def test_a_reference_number_says_not_whether_a_number_was_assigned(
    visitor: Visitor, reference: str, assigned: bool
) -> None:
    visitor.tell("irs_ein", reference=reference, assigned=assigned)
    page = visitor.irs()
    assert f"Reference Number {reference}" in page
    assert not re.search(r"\d{2}-\d{7}", page)
    assert visitor.filed("irs_ein") == int(assigned)


def test_the_irs_stand_in_keeps_no_ssn(visitor: Visitor, running: Settings) -> None:
    assert "900-12-3456" not in visitor.irs(until="summary")
    visitor.irs()
    kept = [path.read_bytes() for path in Path(running.home).rglob("*") if path.is_file()]
    assert kept
    assert not any(ssn in content for content in kept for ssn in (b"900-12-3456", b"900123456"))


def test_the_irs_takes_answers_in_order_and_whole(visitor: Visitor) -> None:
    visitor.irs(until="responsible")
    skipped = visitor.client.post("/filing/irs_ein/applyein/letter", data={"letter": "online"}).text
    assert "session-over" in skipped
    refused = visitor.client.post(
        "/filing/irs_ein/applyein/responsible", data={"responsibleName": "A", "ssn": "12", "role": "member"}
    ).text
    assert "question-error" in refused


@pytest.mark.parametrize("order", [{"reference": "7"}, {"hours": [["mon", "six", "7"]]}, {"hours": 3}])
def test_the_irs_control_refuses_what_it_cant_do(visitor: Visitor, order: dict[str, object]) -> None:
    assert visitor.tell("irs_ein", **order).status_code == 422


# --- British Columbia

INCORPORATION = {
    "registeredOffice": "1 Harbour Road, Vancouver", "recordsOffice": "1 Harbour Road, Vancouver",
    "directors": "Alex Example; 1 Harbour Road", "incorporator": "Performance West",
    "contactEmail": "robin@example.com", "certifiedBy": "Alex Example",
}  # fmt: skip


def incorporate(visitor: Visitor, **said: str) -> tuple[int, dict[str, str]]:
    reply = visitor.client.post(
        "/filing/bc_registry/api/v1/filings/incorporation/submit", data=INCORPORATION | said,
        files={"articles": ("articles.pdf", PDF, "application/pdf")},
    )  # fmt: skip
    return reply.status_code, reply.json()


def report(visitor: Visitor, number: str) -> tuple[int, dict[str, str]]:
    said = {"incorporationNumber": number, "year": "2026", "officesUnchanged": "yes", "directorsUnchanged": "yes",
            "contactEmail": "robin@example.com", "certifiedBy": "Alex Example"}  # fmt: skip
    reply = visitor.client.post("/filing/bc_registry/api/v1/filings/annual_report/submit", data=said)
    return reply.status_code, reply.json()


def test_bc_takes_an_approved_name_while_the_approval_holds(visitor: Visitor) -> None:
    visitor.sign_in("bc_registry")
    visitor.tell("bc_registry", approve="Larkmoor Telecom Ltd.", number="nr1234567")
    assert incorporate(visitor, nameType="named", nrNumber="NR 7654321")[0] == 422
    visitor.later(days=55)
    status, filed = incorporate(visitor, nameType="named", nrNumber="NR 1234567")
    assert (status, filed["name"], filed["paid"]) == (201, "Larkmoor Telecom Ltd.", "C$350.00")
    visitor.later(days=2)
    assert incorporate(visitor, nameType="named", nrNumber="NR 1234567")[0] == 422
    assert visitor.filed("bc_registry") == 1


def test_bc_names_a_numbered_company_after_its_number_and_counts_each_filing(visitor: Visitor) -> None:
    visitor.sign_in("bc_registry")
    filed = [incorporate(visitor, nameType="numbered", folio="one")[1] for _ in range(2)]
    assert [one["name"] for one in filed] == ["1500001 B.C. Ltd.", "1500002 B.C. Ltd."]
    listed = visitor.client.get("/filing/bc_registry/api/v1/filings?q=one").json()["filings"]
    assert [len(listed), visitor.filed("bc_registry")] == [2, 2]


def test_bc_takes_the_annual_report_of_a_company_it_has(visitor: Visitor) -> None:
    visitor.sign_in("bc_registry")
    _, company = incorporate(visitor, nameType="numbered")
    assert report(visitor, "BC9999999")[0] == 422
    status, filed = report(visitor, company["identifier"])
    assert (status, filed["paid"], filed["name"]) == (201, "C$43.39", company["name"])


def test_bc_is_for_those_signed_in(visitor: Visitor) -> None:
    reply = visitor.client.post("/filing/bc_registry/api/v1/filings/incorporation/submit", data=INCORPORATION)
    assert 'id="login-form"' in reply.text
    assert visitor.filed("bc_registry") == 0


# --- the wholesaler of registered agents

ORDER = {
    "f_product": "RA1", "f_state": "WY", "f_entity": "Quillfeather Larkmoor LLC", "f_address": "12 Quillfeather Road",
    "f_contact": "Robin Example", "f_phone": "307-555-0101", "f_email": "robin@example.com", "f_ref": "ours-1",
    "f_terms": "1",
}  # fmt: skip


def test_the_wholesaler_orders_what_was_reviewed_as_often_as_it_is_placed(visitor: Visitor) -> None:
    visitor.sign_in("agent_wholesale")
    review = visitor.client.post("/filing/agent_wholesale/orders/review", data=ORDER).text
    assert visitor.filed("agent_wholesale") == 0
    basket = found(review, r'name="basket" value="([^"]+)"')
    place = "/filing/agent_wholesale/orders/submit"
    numbers = {found(visitor.client.post(place, data={"basket": basket}).text, r"(AL-\d+)") for _ in range(2)}
    assert visitor.client.post(place, data={"basket": basket[:-8] + "AAAAAAA="}).text.count("changed on the way") == 1
    assert visitor.filed("agent_wholesale") == len(numbers) == 2


def test_the_wholesalers_list_finds_an_order_by_our_reference_and_shows_the_newest_first(visitor: Visitor) -> None:
    visitor.sign_in("agent_wholesale")
    for number in range(22):
        order = ORDER | {"f_ref": f"ours-{number:02d}"}
        review = visitor.client.post("/filing/agent_wholesale/orders/review", data=order).text
        basket = found(review, r'name="basket" value="([^"]+)"')
        visitor.client.post("/filing/agent_wholesale/orders/submit", data={"basket": basket})

    def shown(query: str) -> list[str]:
        return re.findall(r'c_ref">([^<]+)<', visitor.client.get(f"/filing/agent_wholesale/orders?{query}").text)

    assert shown("f_find=ours-00") == ["ours-00"]
    assert shown("f_find=ours")[0] == "ours-21"
    assert shown("f_find=ours&page=2") == ["ours-01", "ours-00"]
    assert "no-orders" in visitor.client.get("/filing/agent_wholesale/orders?f_find=theirs").text


@pytest.mark.parametrize(("field", "value"), [("f_entity", ""), ("f_state", "ZZ"), ("f_email", "x"), ("f_terms", "")])
def test_the_wholesaler_refuses_half_an_order(visitor: Visitor, field: str, value: str) -> None:
    visitor.sign_in("agent_wholesale")
    page = visitor.client.post("/filing/agent_wholesale/orders/review", data=ORDER | {field: value}).text
    assert 'id="order-error"' in page
    assert 'name="basket"' not in page
