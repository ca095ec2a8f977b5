"""The seal on a signed PDF: a PAdES signature by the firm's certificate over the whole file, and its examination.

The seal says that nothing was changed since. Who signed, when and how stands on the certificate page under it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pw_pipelines.documents.signing.canonical import sha256
from pw_pipelines.errors import ConfigError
from pw_pipelines.private_files import make_once
from pw_pipelines.settings import Settings

if TYPE_CHECKING:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

FIELD = "Seal"
_SANDBOX_NAME = "Performance West sandbox seal (worth nothing)"


class Seal:
    """The firm's certificate and key: PW_SEAL_FILE (PKCS#12), in the sandbox a file made once under PW_HOME/keys.

    Raises ConfigError when there is none in live mode, or it can't be opened.
    """

    def __init__(self, settings: Settings) -> None:
        from pyhanko.sign.signers.pdf_cms import SimpleSigner

        path, password = _file_of(settings)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"The seal {path} can't be read: {error.strerror}. Set PW_SEAL_FILE.") from error
        signer = SimpleSigner.load_pkcs12_data(content, other_certs=[], passphrase=password)
        if signer is None:
            raise ConfigError(f"The seal {path} can't be opened; look at PW_SEAL_PASSWORD and that it is PKCS#12.")
        self._signer = signer

    def __repr__(self) -> str:
        return f"Seal({self.fingerprint[:16]}…)"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, 64 hex digits."""
        return sha256(self._signer.signing_cert.dump())

    def put_on(self, writer: IncrementalPdfFileWriter, *, reason: str, now: datetime) -> bytes:
        """The PDF of `writer` with everything written to it, sealed. `reason` stands in the seal, covered by it."""
        from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
        from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata

        metadata = PdfSignatureMetadata(
            field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, reason=reason, certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
        )  # fmt: skip
        out = io.BytesIO()
        _apart(lambda: _signer_at(now)(metadata, self._signer).sign_pdf(writer, output=out))
        return out.getvalue()

    def sign_bytes(self, content: bytes, *, now: datetime) -> bytes:
        """A detached signature (CMS, DER) over any bytes."""
        import asyncio

        from pyhanko.sign.signers.pdf_cms import CMSSignedAttributes

        made = self._signer.async_sign_general_data(
            content, "sha256", detached=True, signed_attr_settings=CMSSignedAttributes(signing_time=now)
        )
        return bytes(_apart(lambda: asyncio.run(made)).dump())


@dataclass(frozen=True)
class SealSeen:
    """What a PDF's seal shows. `faults`: sentences, empty when it is whole; `fingerprint`: of whose certificate."""

    faults: tuple[str, ...]
    fingerprint: str = ""
    reason: str = ""
    sealed_at: datetime | None = None


def look_at(pdf: bytes) -> SealSeen:
    """Examines a seal without any outside help: one, sound, over every byte of the file.

    Whose certificate it is is for the caller to compare: the fingerprint names it.
    """
    from pyhanko.pdf_utils.misc import PdfReadError
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    try:
        reader = PdfFileReader(io.BytesIO(pdf), strict=False)
        seals = reader.embedded_signatures
        if len(seals) != 1:
            return SealSeen((f"The PDF has {len(seals)} signatures where one seal belongs.",))
        seal = seals[0]
        certificate = seal.signer_cert
        coverage = seal.evaluate_signature_coverage()
        status = _apart(lambda: _status_of(seal))
        reason, sealed_at = str(seal.sig_object.get("/Reason", "")), seal.self_reported_timestamp
    except (PdfReadError, ValueError, KeyError, TypeError, IndexError) as error:
        return SealSeen((f"The PDF or its seal can't be read ({type(error).__name__}).",))
    faults = []
    if coverage is not SignatureCoverageLevel.ENTIRE_FILE:
        faults.append("The seal does not cover the whole file: something was added after it.")
    if not status.intact:
        faults.append("The file is not what was sealed.")
    elif not status.valid:
        faults.append("The seal is not sound.")
    return SealSeen(tuple(faults), sha256(certificate.dump()), reason, sealed_at)


def signed_by(content: bytes, signature: bytes) -> str | None:
    """The fingerprint of the certificate behind a detached signature over `content`; None where it does not hold."""
    import asyncio

    from asn1crypto import cms
    from pyhanko.sign.validation.generic_cms import async_validate_detached_cms

    try:
        signed = cms.ContentInfo.load(signature)["content"]
        context = _trusting(_certificate_in(signed))
        status = _apart(
            lambda: asyncio.run(async_validate_detached_cms(content, signed, signer_validation_context=context))
        )
    except (ValueError, KeyError, TypeError, IndexError, StopIteration):
        return None
    return sha256(status.signing_cert.dump()) if status.intact and status.valid else None


def _apart(deed: Callable[[], Any]) -> Any:
    """Does it in a thread of its own where this one runs an event loop, as a browser's does: pyHanko runs another."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return deed()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(deed).result()


def _status_of(seal: Any) -> Any:
    from pyhanko.sign.validation import validate_pdf_signature

    return validate_pdf_signature(seal, signer_validation_context=_trusting(seal.signer_cert), skip_diff=True)


def _trusting(certificate: Any) -> Any:
    """A context in which this certificate itself is the anchor: what counts is told by its fingerprint."""
    from pyhanko_certvalidator import ValidationContext

    return ValidationContext(trust_roots=[certificate], allow_fetching=False, revocation_mode="soft-fail")


def _certificate_in(signed: Any) -> Any:
    wanted = signed["signer_infos"][0]["sid"].chosen["serial_number"].native
    return next(one.chosen for one in signed["certificates"] if one.chosen.serial_number == wanted)


def _signer_at(now: datetime) -> Any:
    """A signer whose clock is ours: pyHanko asks the machine, which in the sandbox lives in another moment."""
    from pyhanko.sign.signers.pdf_signer import PdfSigner

    class _Signer(PdfSigner):
        def init_signing_session(self, *args: Any, **more: Any) -> Any:
            session = super().init_signing_session(*args, **more)
            session.system_time = now.astimezone(UTC)
            return session

    return _Signer


def _file_of(settings: Settings) -> tuple[Path, bytes | None]:
    if settings.seal_file is not None:
        password = settings.seal_password.get_secret_value() if settings.seal_password else ""
        return settings.seal_file, password.encode() or None
    if not settings.is_sandbox:
        raise ConfigError("PW_SEAL_FILE is not set; in live mode signed PDFs are sealed by the firm's certificate.")
    path = settings.home / "keys" / "seal.p12"
    if not path.exists():
        make_once(path, _self_signed())
    return path, None


def _self_signed() -> bytes:
    """A certificate for the sandbox, good for any moment its clock may be moved to."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _SANDBOX_NAME)])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return pkcs12.serialize_key_and_certificates(b"seal", key, certificate, None, NoEncryption())
