"""What must be kept from others, and what runs out: secrets, keys, certificates."""

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from appliance.node.health.check import Line, failed, ok, warning
from appliance.settings import SecretName, Settings

SOON_DAYS = 30


def secrets(settings: Settings) -> Iterator[Line]:
    """The files of the secrets are for their owner only; mounted ones may have a group, as containers share them."""
    files = [settings.secrets.path(name) for name in SecretName] + [
        place.password_file for place in settings.destinations if place.password_file
    ]
    there = [file for file in files if file.is_file()]
    refused = stat.S_IRWXO if settings.secrets_dir else stat.S_IRWXO | stat.S_IRWXG
    open_ones = [file for file in there if file.stat().st_mode & refused]
    for file in open_ones:
        yield failed(f"secret {file.name}", "others can read it", f"chmod 600 {file}, then runbooks/rotate-secrets.md.")
    if not open_ones:
        yield ok("secrets", f"{len(there)} files, closed to others" if there else "not made yet")


def certificates(settings: Settings) -> Iterator[Line]:
    """The certificates of DICOM TLS: readable, in force, and the key fits and is for its owner only."""
    dicom = settings.dicom
    if not dicom.tls_certificate or not dicom.tls_private_key:
        yield ok("DICOM TLS", "off")
        return
    certificate, key = settings.home / dicom.tls_certificate, settings.home / dicom.tls_private_key
    yield from _certificate("DICOM TLS certificate", certificate)
    yield from _key(certificate, key)
    if dicom.tls_trusted_certificates:
        yield from _certificate("trusted certificates", settings.home / dicom.tls_trusted_certificates)


def _certificate(part: str, file: Path) -> Iterator[Line]:
    """Each certificate of a PEM file."""
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except ValueError:
        yield failed(part, f"{file} holds no certificate", "Put the PEM file there, or correct the setting.")
        return
    for certificate in found:
        yield _validity(part, certificate)


def _validity(part: str, certificate: x509.Certificate) -> Line:
    name = certificate.subject.rfc4514_string()
    left = (certificate.not_valid_after_utc - datetime.now(UTC)).days
    if certificate.not_valid_before_utc > datetime.now(UTC):
        begins = f"{certificate.not_valid_before_utc:%Y-%m-%d}"
        return failed(part, f"{name} is not valid before {begins}", "Check the clock, or wait until then.")
    until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    do = "Have it renewed, put it in its place, and restart the node (runbooks/rotate-secrets.md)."
    if left < 0:
        return failed(part, f"{name} has ended on {until}", do)
    return (warning if left < SOON_DAYS else ok)(
        part, f"{name} until {until}, {left} days", *((do,) if left < SOON_DAYS else ())
    )


def _key(certificate: Path, key: Path) -> Iterator[Line]:
    part = "DICOM TLS key"
    if _is_open(key):
        yield failed(part, "others can read it", f"chmod 600 {key}, and have the key renewed if others had access.")
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), None)
        own = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        yield failed(part, f"{key} holds no key without a passphrase", "Put the PEM file there, without a passphrase.")
        return
    if private.public_key() != own:
        yield failed(part, "it does not belong to the certificate", "Put certificate and key of one pair there.")
    else:
        yield ok(part, "belongs to the certificate")


def _is_open(file: Path) -> bool:
    return bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
