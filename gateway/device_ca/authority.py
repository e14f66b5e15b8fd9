"""The shop's CA for devices: its files, and what it signs. No database.

The CA is its own: it signs no broker and no website, and nobody but brokers believes it.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cart.kernel.errors import InvalidInput
from gateway.settings import MqttSettings
from gateway.wire.certificate import certificate_pem, fresh_key, key_pem

CERT_FILE, KEY_FILE = "device-ca.pem", "device-ca.key"  # in DATA_DIR
# Longer than tablets live: a CA that ends takes a whole chain off the line in one second.
LIFETIME: Final = timedelta(days=20 * 365)
# A device whose clock is slow by less than this can use its certificate at once.
BACKDATED: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh certificate."""

    pem: str
    serial: str  # hexadecimal
    not_after: datetime


@dataclass(frozen=True, slots=True)
class DeviceAuthority:
    """A certificate that may sign, and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def of(cls, settings: MqttSettings) -> Self | None:
        """Return the CA that the settings name, or that lies in DATA_DIR; None without one.

        Raises:
            InvalidInput: a file is missing or is not what it should be.
        """
        cert_file, key_file = ca_files(settings)
        if not cert_file.exists() and settings.device_ca_cert_file is None:
            return None
        try:
            certificate = x509.load_pem_x509_certificate(cert_file.read_bytes())
            key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            msg = f"the devices' CA in {cert_file} and {key_file} cannot be used: {error}"
            raise InvalidInput(msg, field="device_ca_cert_file") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or (
            key.public_key() != certificate.public_key()
        ):
            msg = f"the key {key_file} is not that of {cert_file}, or not on an elliptic curve"
            raise InvalidInput(msg, field="device_ca_key_file")
        return cls(certificate, key)

    def issue(
        self, key: ec.EllipticCurvePublicKey, device_id: str, now: datetime, lifetime: timedelta
    ) -> Issued:
        """Sign a certificate for a client of this id, and for nothing else."""
        until = min(now + lifetime, self.certificate.not_valid_after_utc)
        serial = x509.random_serial_number()
        signed = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device_id)]))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(serial)
            .not_valid_before(now - BACKDATED)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        return Issued(certificate_pem(signed), f"{serial:x}", until)

    def has_signed(self, certificate: x509.Certificate) -> bool:
        """Say whether a certificate is of this CA."""
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is not ours
            return False
        return True

    def withdrawn(self, serials: list[str], now: datetime) -> bytes:
        """Return the list of withdrawn certificates (PEM), good as long as the CA.

        A list that ran out would shut every device out, and each is replaced at the next
        withdrawal.
        """
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now)
            .next_update(self.certificate.not_valid_after_utc)
        )
        for serial in serials:
            one = x509.RevokedCertificateBuilder().serial_number(int(serial, 16))
            made = made.add_revoked_certificate(one.revocation_date(now).build())
        signed = made.sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def ca_files(settings: MqttSettings) -> tuple[Path, Path]:
    """Return where the CA's certificate and key are, or would be."""
    return (
        settings.device_ca_cert_file or settings.data_dir / CERT_FILE,
        settings.device_ca_key_file or settings.data_dir / KEY_FILE,
    )


def make(settings: MqttSettings, now: datetime, name: str) -> Path:
    """Make the shop's CA; return its certificate's file. The key is readable by its owner only.

    Raises:
        InvalidInput: there is one already: devices have certificates of it.
    """
    cert_file, key_file = ca_files(settings)
    if cert_file.exists() or key_file.exists():
        msg = f"{cert_file} or {key_file} is there already: devices may have certificates of it"
        raise InvalidInput(msg)
    key = fresh_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(key_file, key_pem(key), 0o600)
    _write(cert_file, certificate_pem(certificate), 0o644)  # brokers read it
    return cert_file


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
