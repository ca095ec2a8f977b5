"""A certificate authority of our own and the certificate our PayPal signs with, made once per home."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME = "messageverificationcerts.sandbox.paypal.com"
YEARS = timedelta(days=3_650)
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Signer:
    """The key messages are signed with, its PEM chain, and the root it leads to."""

    key: rsa.RSAPrivateKey
    chain: bytes
    root: bytes


def authority(now: datetime, *, name: str = "Invented Root") -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    """A root certificate and its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _builder(subject, subject, key.public_key(), now - YEARS, now + YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    return certificate, key


def certificate_for(
    key: rsa.RSAPublicKey,
    issuer: x509.Certificate,
    issuer_key: rsa.RSAPrivateKey,
    *,
    name: str = NAME,
    since: datetime,
    until: datetime,
) -> x509.Certificate:
    """A certificate of a server called `name`."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        _builder(subject, issuer.subject, key, since, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
        .sign(issuer_key, SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )


def pem(certificate: x509.Certificate) -> bytes:
    """As it is sent."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def signer(folder: Path, now: datetime) -> Signer:
    """The signer of a home, made at the first call. The root alone is what the verifier needs."""
    with _LOCK:
        files = [folder / name for name in ("key.pem", "chain.pem", "root.pem")]
        if not all(path.exists() for path in files):
            folder.mkdir(parents=True, exist_ok=True)
            root, root_key = authority(now)
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            leaf = certificate_for(key.public_key(), root, root_key, since=now - YEARS, until=now + YEARS)
            secret = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            for path, content in zip(files, (secret, pem(leaf), pem(root)), strict=True):
                draft = path.with_suffix(".tmp")
                draft.write_bytes(content)
                draft.replace(path)
        read, chain, root_pem = (path.read_bytes() for path in files)
        # A key of our own making: to prove its primes again costs 0.1 s at each message.
        loaded = serialization.load_pem_private_key(read, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(loaded, rsa.RSAPrivateKey)
        return Signer(loaded, chain, root_pem)
