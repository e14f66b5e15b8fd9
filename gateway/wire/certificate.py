"""A device's own certificate: its key, what it asks for, and how it proves that it may.

The key is made on the device and never leaves it. A device that has a certificate asks for
the next one with a signature of the key that it has; so the server needs no TLS of its own
to know who asks.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cart.kernel.errors import InvalidPayload

PEM_LENGTH_MAX: Final = 8_192  # of a request or certificate on P-256: about 700 characters
_WORDS: Final = b"carryover: the next certificate of a device\n"
_HASH: Final = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class Held:
    """A key and the certificate for it, as they lie in one file (PEM)."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """Both, the key first."""
        return key_pem(self.key) + certificate_pem(self.certificate)

    def is_due(self, now: datetime) -> bool:
        """Say whether a third of its life or less is left: time for the next one."""
        begin, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        return end - now <= (end - begin) / 3


def fresh_key() -> ec.EllipticCurvePrivateKey:
    """Return a key on P-256, which has 128 bits of security and which every TLS library knows."""
    return ec.generate_private_key(ec.SECP256R1())


def request_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Return a signing request without a name: who the device is, the server says."""
    asked = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return asked.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def requested_key(request: str) -> ec.EllipticCurvePublicKey:
    """Return the key that a request is for; the device has shown that it has the other half.

    Raises:
        InvalidPayload: this is no request, not for a key on P-256, or signed by another key.
    """
    msg = "a certificate is asked for with a PKCS#10 request in PEM, for a key on P-256"
    try:
        asked = x509.load_pem_x509_csr(request.encode())
        key, right = asked.public_key(), asked.is_signature_valid
    except Exception as error:  # a parser of bytes of strangers raises more than it says
        raise InvalidPayload(msg) from error
    if not (right and isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"):
        raise InvalidPayload(msg)
    return key


def certificate_in(pem: str) -> x509.Certificate:
    """Return the first certificate of a text.

    Raises:
        InvalidPayload: there is none.
    """
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        msg = "this is no certificate in PEM"
        raise InvalidPayload(msg) from error


def held_in(pem: str) -> Held:
    """Return the key and the certificate of a text that has both.

    Raises:
        InvalidPayload: one is missing, or they do not belong together.
    """
    certificate = certificate_in(pem)
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except ValueError as error:
        msg = "there is no key beside the certificate"
        raise InvalidPayload(msg) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != (
        certificate.public_key()
    ):
        msg = "the key is another certificate's"
        raise InvalidPayload(msg)
    return Held(key, certificate)


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Return a key as text, in the clear."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def certificate_pem(certificate: x509.Certificate) -> str:
    """Return a certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def common_name(certificate: x509.Certificate) -> str:
    """Return the one common name of a certificate, "" where it has none or several."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""


def proof(key: ec.EllipticCurvePrivateKey, device_id: str, request: str) -> bytes:
    """Return the signature (ECDSA, SHA-256, DER) under a request by the key that a device has."""
    return key.sign(_words(device_id, request), _HASH)


def is_proved(
    certificate: x509.Certificate, device_id: str, request: str, signature: bytes
) -> bool:
    """Say whether whoever asks has the key of ``certificate``."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, _words(device_id, request), _HASH)
    except InvalidSignature:
        return False
    return True


def _words(device_id: str, request: str) -> bytes:
    return _WORDS + device_id.encode() + b"\n" + request.encode()
