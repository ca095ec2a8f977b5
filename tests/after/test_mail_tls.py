"""The mail client with a server that demands encryption and a login, as a live one does."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from pw_pipelines.errors import OutsideUnavailable
from pw_pipelines.resources.mail import Mail, trust
from pw_pipelines.settings import Settings
from tests.after.conftest import PostOffice
from tests.after.test_mail_server import ID, mail

PASSWORD = "correct horse"


@dataclass
class Relay:
    """A server with a certificate; what it took and who tried to log in."""

    folder: Path
    taken: list[bytes] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope.content)
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    def context(self) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256())
        )  # fmt: skip
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (self.folder / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.folder / "key.pem")
        return context

    @property
    def certificate(self) -> Path:
        return self.folder / "relay.pem"


@pytest.fixture(autouse=True)
def _trust_is_read_anew() -> Iterator[None]:
    trust.cache_clear()
    yield
    trust.cache_clear()


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[tuple[Relay, int]]:
    made = Relay(tmp_path)
    controller = Controller(
        made, hostname="127.0.0.1", port=_free_port(), tls_context=made.context(), require_starttls=True,
        auth_required=True, authenticator=made.authenticate,
    )  # fmt: skip
    controller.start()
    try:
        yield made, int(controller.port)
    finally:
        controller.stop()


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def over(
    settings: Settings, port: int, *, security: Literal["starttls", "none"] = "starttls", password: str = PASSWORD
) -> Settings:
    return settings.model_copy(
        update={"smtp_port": port, "smtp_security": security, "smtp_user": "us", "smtp_password": SecretStr(password)}
    )


def test_a_trusted_server_gets_the_login_and_the_mail(
    post_office: PostOffice, relay: tuple[Relay, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, port = relay
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    settings = over(post_office.settings, port)
    assert Mail(settings).send(mail(settings)) == ID
    assert made.logins == [(b"us", PASSWORD.encode())] and len(made.taken) == 1


def test_a_server_nobody_vouches_for_gets_neither(post_office: PostOffice, relay: tuple[Relay, int]) -> None:
    made, port = relay
    settings = over(post_office.settings, port)
    with pytest.raises(OutsideUnavailable, match="opens no session"):
        Mail(settings).send(mail(settings))
    assert made.logins == [] and made.taken == []


def test_a_wrong_password_is_told_without_it(
    post_office: PostOffice, relay: tuple[Relay, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, port = relay
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    settings = over(post_office.settings, port, password="wrong horse")
    with pytest.raises(OutsideUnavailable, match="PW_SMTP_PASSWORD") as refused:
        Mail(settings).send(mail(settings))
    assert "wrong horse" not in str(refused.value) and made.taken == []
