"""What a mail of the bounce mailbox says, over the corpus and over what servers do to their own reports."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pw_pipelines.bounces.model import COUNTED
from pw_pipelines.bounces.report import read_report
from tests.bounces import shapes

CORPUS = Path(__file__).with_name("corpus")
EXPECTED = yaml.safe_load((CORPUS / "expected.yaml").read_text(encoding="utf-8"))
ANN = "ann@carrier.example"
SUBJECTS = [
    "Out of office", "Automatic reply: Your order", "Abwesenheitsnotiz", "Réponse automatique : commande",
    "Respuesta automática", "自動返信: ご注文", "Автоответ: заказ",
    "Please confirm your message", "[Ticket #4821] received",
]  # fmt: skip


def classes(content: bytes) -> list[list[str | None]]:
    return [[result.recipient, result.class_] for result in read_report(content).results]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_mail_of_the_corpus_is_read_as_it_should_be(name: str) -> None:
    assert classes((CORPUS / f"{name}.eml").read_bytes()) == EXPECTED[name]


def test_the_corpus_and_its_table_hold_the_same_mails() -> None:
    assert {path.stem for path in CORPUS.glob("*.eml")} == set(EXPECTED)


def test_what_speaks_against_an_address_is_quoted() -> None:
    (result,) = read_report(shapes.dsn([shapes.block(diagnostic="smtp; 550 5.1.1 User unknown")])).results
    assert result.evidence == (
        f"Final-Recipient: rfc822; {ANN}",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown",
    )


def test_the_returned_headers_tie_a_report_to_our_mail() -> None:
    returned = shapes.RETURNED + (
        f"X-Listmonk-Campaign: {shapes.CAMPAIGN}\nX-Listmonk-Subscriber: {shapes.SUBSCRIBER}\n"
    )
    ids = read_report(
        shapes.dsn([shapes.block()], returned=returned, to=f"bounces+{'ab' * 16}@performancewest.example")
    ).ids
    assert (ids.message_ids, ids.tags) == ((shapes.OUR_ID,), ("ab" * 16,))
    assert (ids.campaign, ids.subscriber, ids.to) == (shapes.CAMPAIGN, shapes.SUBSCRIBER, (ANN,))


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
@pytest.mark.parametrize("status", ["2.0.0", "4.2.2", "5.1.1", "5.7.1"])
def test_whatever_did_not_fail_speaks_against_nobody(action: str, status: str) -> None:
    (result,) = read_report(shapes.dsn([shapes.block(action=action, status=status)])).results
    assert result.class_ == ("delayed" if action == "delayed" else "delivered")


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("5.1.1", "hard"), ("5.1.2", "hard"), ("5.1.3", "hard"), ("5.1.6", "hard"), ("5.1.10", "hard"),
        ("5.4.4", "hard"), ("5.2.1", "disabled"), ("5.2.2", "full"), ("4.2.2", "full"), ("5.7.1", "policy"),
        ("5.7.26", "policy"), ("5.3.4", "policy"), ("4.4.7", "soft"), ("4.3.1", "soft"), ("5.0.0", "unknown"),
        ("5.5.0", "unknown"), ("5.1.8", "policy"), ("5.6.1", "policy"), ("4.7.1", "policy"), ("5.4.6", "soft"),
        ("2.0.0", "unknown"), ("5.1.0", "unknown"), ("5.3.0", "soft"),
    ],
)  # fmt: skip
def test_a_failure_means_what_its_status_says(status: str, wanted: str) -> None:
    (result,) = read_report(shapes.dsn([shapes.block(status=status)])).results
    assert result.class_ == wanted


@given(
    case=st.sampled_from([str.upper, str.lower, str.title]),
    newline=st.sampled_from(["\n", "\r\n"]),
    fold=st.booleans(),
    charset=st.sampled_from(["us-ascii", "utf-8", "iso-8859-15", "x-nonsense", '"koi8-r"']),
    order=st.permutations(range(3)),
    extra=st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=60),
)
@settings(max_examples=120, deadline=None)
def test_case_folding_line_ends_charset_and_order_change_nothing(
    case: object, newline: str, fold: bool, charset: str, order: list[int], extra: str
) -> None:
    """The same report as other servers would have written it down."""
    names = ("Final-Recipient", "Action", "Status", "Diagnostic-Code")
    given_ = [
        ("hard", shapes.block(diagnostic="smtp; 550 5.1.1 User unknown")),
        ("full", shapes.block("bo@carrier.example", status="5.2.2")),
        ("delivered", shapes.block("cy@carrier.example", action="delivered", status="2.0.0")),
    ]
    blocks = [given_[index] for index in order]
    texts = []
    for _, text in blocks:
        texts.append(text)
        for name in names:
            texts[-1] = texts[-1].replace(f"{name}:", f"{case(name)}:" + ("\n " if fold else ""))  # type: ignore[operator]
    content = shapes.dsn(texts).decode().replace("us-ascii", charset).replace("Your mail", f"Your mail {extra}")
    found = [result.class_ for result in read_report(content.replace("\n", newline).encode()).results]
    assert found == [wanted for wanted, _ in blocks]


@given(
    subject=st.sampled_from(SUBJECTS),
    body=st.sampled_from(sorted(EXPECTED)),
    mark=st.sampled_from(
        ["", "Auto-Submitted: auto-replied\n", "Precedence: bulk\n", "X-Failed-Recipients: x@y.example\n"]
    ),
    sender=st.sampled_from(
        ["Ann <ann@carrier.example>", "postmaster@carrier.example", "MAILER-DAEMON@carrier.example"]
    ),
    prefix=st.sampled_from(["", "Re: ", "AW: ", "RE: Re: "]),
)
@settings(max_examples=200, deadline=None)
def test_no_automatic_answer_ever_counts_whatever_it_quotes(
    subject: str, body: str, mark: str, sender: str, prefix: str
) -> None:
    quoted = (CORPUS / f"{body}.eml").read_bytes().decode("utf-8", "replace")
    found = read_report(shapes.answer(prefix + subject, quoted, headers=mark, sender=sender))
    assert {result.class_ for result in found.results} == {"auto_reply"}


@given(st.binary(max_size=3_000))
@settings(max_examples=150, deadline=None)
def test_no_bytes_at_all_make_it_stumble(content: bytes) -> None:
    assert read_report(content).results


@given(st.sampled_from(sorted(EXPECTED)), st.integers(0, 4_000), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_a_damaged_report_counts_against_nobody_new(name: str, place: int, byte: int) -> None:
    content = bytearray((CORPUS / f"{name}.eml").read_bytes())
    content[place % len(content)] = byte
    results = read_report(bytes(content)).results
    assert results
    if name.startswith(("answer_", "receipt_", "person_", "newsletter")) and place % len(content) > 600:
        assert not {result.class_ for result in results} & COUNTED


def test_only_the_beginning_of_a_huge_mail_is_read() -> None:
    content = shapes.dsn([shapes.block()], returned=shapes.RETURNED + "\n" + "x" * 5_000_000)
    assert classes(content) == [[ANN, "hard"]]


FIELDS = "Final-Recipient: rfc822; {ann}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 {more}"


@pytest.mark.parametrize(
    "content",
    [
        shapes.plain("hi\n", headers="Content-Type: text/html\n") + b"<" * 900_000,
        shapes.dsn([FIELDS.format(ann=ANN, more="a-" * 400_000)]),
        shapes.dsn([FIELDS.format(ann=ANN, more="\n a" * 300_000)]),
        shapes.dsn([FIELDS.format(ann="(" * 400_000 + ANN, more="")]),
        shapes.plain("x\n", subject="=?utf-8?q?a?= " * 40_000),
        shapes.plain("hi\n" * 300_000),
    ],
    ids=["open brackets", "one long word", "folded", "open comments", "encoded words", "lines"],
)
def test_no_mail_keeps_the_ones_behind_it_waiting(content: bytes) -> None:
    began = time.process_time()
    read_report(content)
    assert time.process_time() - began < 8  # each took minutes to hours before its lines and fields were bounded


def test_encoded_words_that_are_none_are_read_as_they_stand() -> None:
    assert classes(shapes.plain("<ann@carrier.example>: 550 5.1.1 User unknown\n", subject="=?utf-8?b?A?=")) == [
        [ANN, "hard"]
    ]


def test_what_no_database_keeps_is_not_in_what_was_read() -> None:
    fields = FIELDS.format(ann=ANN, more="no\0 such user").encode() + b"\nRemote-MTA: dns; mx\0.carrier.example\n"
    status = b"Reporting-MTA: dns; relay\0.example\n\n" + fields
    content = shapes.dsn([shapes.block()]).decode()
    head, _, rest = content.partition("Content-Type: message/delivery-status\n\n")
    _, boundary, tail = rest.partition("\n--")
    sealed = base64.encodebytes(status).decode()
    headers = "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n"
    report = read_report(f"{head}{headers}{sealed}{boundary}{tail}".encode())
    (result,) = report.results
    said = [report.reporting_mta or "", result.remote_mta or "", *result.evidence]
    assert result.recipient == ANN
    assert not any("\0" in one for one in said)
