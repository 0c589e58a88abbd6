"""The front's certificate, signed by an authority of its own that clients name as ``sslrootcert``."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from devstack.files import write_private

AUTHORITY: Final = "ca.pem"
_CERTIFICATE: Final = "server.pem"
_LIFE: Final = dt.timedelta(days=3650)
_HOSTS: Final = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


def context(folder: Path) -> ssl.SSLContext:
    """A server's TLS; the certificates are in ``folder``, made when they are not there yet."""
    if not (folder / _CERTIFICATE).exists():
        _make(folder)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / _CERTIFICATE)
    return made


def _make(folder: Path) -> None:
    root, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = _name("Sluice stand-in for Redshift: authority")
    authority = (
        _builder(issuer, issuer, root)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(root, SHA256())
    )
    server = (
        _builder(_name("localhost"), issuer, own)
        .add_extension(x509.SubjectAlternativeName(_HOSTS), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(root, SHA256())
    )
    key = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / AUTHORITY).write_bytes(authority.public_bytes(Encoding.PEM))
    write_private(folder / _CERTIFICATE, (key + server.public_bytes(Encoding.PEM)).decode())


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _LIFE)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
