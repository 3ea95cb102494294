"""Certificates for tests: an authority of its own, and what it has signed."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Files of a certificate and of its private key, which only the owner can read."""

    certificate: Path
    key: Path


def write_identity(folder: Path, name: str, *, issuer: Identity | None = None, days: int = 30) -> Identity:
    """A certificate for loopback, signed by `issuer` or by itself, that ends in `days` days (negative: has ended)."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    draft = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.load_pem_x509_certificate(issuer.certificate.read_bytes()).subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=365))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]), critical=False
        )
    )
    signer = serialization.load_pem_private_key(issuer.key.read_bytes(), None) if issuer else key
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    identity = Identity(certificate=folder / f"{name}.pem", key=folder / f"{name}.key")
    identity.certificate.write_bytes(draft.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    identity.key.touch(mode=0o600)
    identity.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return identity
