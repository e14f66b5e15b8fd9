"""How client and broker make sure of each other in TLS, and say in words why not.

Used by the server's links, the broker and devices alike; knows neither paho nor MQTT.
"""

import socket
import ssl
from pathlib import Path
from typing import Final

from cart.kernel.errors import InvalidInput

# The numbers of OpenSSL's verification results (x509_vfy.h), as ``verify_code`` has them.
_EXPIRED: Final = 10
_NOT_YET_VALID: Final = 9
_OTHER_NAME: Final = {62, 64}  # host name, IP address
_UNKNOWN_AUTHORITY: Final = {2, 18, 19, 20, 21}
_NO_TLS: Final = {"WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "RECORD_LAYER_FAILURE"}


def client_context(
    ca_file: Path | None, cert_file: Path | None = None, key_file: Path | None = None
) -> ssl.SSLContext:
    """Return a context that verifies the broker's certificate and name, from TLS 1.2 on.

    ``ca_file``: whom to believe, and nobody else; None: whom the system believes.
    ``cert_file``, ``key_file``: the client's own certificate, for a broker that asks for one.

    Raises:
        InvalidInput: a file is missing or is not what it should be; the message says which.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ValueError) as error:
        msg = f"the CA file {ca_file} cannot be used: {reason(error)}; it has to be PEM"
        raise InvalidInput(msg, field="mqtt_ca_file") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file is not None:
        present_certificate(context, cert_file, key_file)
    return context


def server_context(
    cert_file: Path, key_file: Path | None, client_ca_file: Path | None
) -> ssl.SSLContext:
    """Return a broker's context; with ``client_ca_file`` it takes nobody without a certificate.

    Raises:
        InvalidInput: a file is missing or is not what it should be; the message says which.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    present_certificate(context, cert_file, key_file)
    if client_ca_file is not None:
        try:
            context.load_verify_locations(client_ca_file)
        except (OSError, ValueError) as error:
            msg = f"the client CA {client_ca_file} cannot be used: {reason(error)}"
            raise InvalidInput(msg, field="mqtt_tls_client_ca_file") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class GreetingEnded(ConnectionError):
    """The other end hung up in the middle of TLS's greeting, without a word why."""


def greet(
    context: ssl.SSLContext, line: socket.socket, host: str, timeout_s: float
) -> ssl.SSLSocket:
    """Return the connection in TLS with the broker verified; it is closed if that fails.

    paho's own way leaves the socket of a refused broker open.

    Raises:
        SSLError: see :func:`refusal`.
        GreetingEnded: as plain listeners do.
        TimeoutError: nothing was answered.
    """
    secured = context.wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)
    try:
        secured.settimeout(timeout_s)
        secured.do_handshake()
    except ConnectionError as error:
        secured.close()
        raise GreetingEnded(*error.args) from error
    except BaseException:
        secured.close()
        raise
    return secured


def present_certificate(context: ssl.SSLContext, cert_file: Path, key_file: Path | None) -> None:
    """Let ``context`` present a certificate with its chain; the key may be in the same file.

    Raises:
        InvalidInput: a file is missing, no PEM, or the key is another certificate's.
    """
    try:
        context.load_cert_chain(cert_file, key_file)
    except (OSError, ValueError) as error:
        of_key = f" with the key {key_file}" if key_file else ""
        msg = f"the certificate {cert_file}{of_key} cannot be used: {reason(error)}"
        raise InvalidInput(msg, field="mqtt_tls_cert_file") from error


def reason(error: Exception) -> str:
    """Return the short half of an error of a file or of OpenSSL."""
    if isinstance(error, ssl.SSLError):
        words = (error.reason or "no certificate in it").replace("_", " ").lower()
        return "the key belongs to another certificate" if "mismatch" in words else words
    return getattr(error, "strerror", None) or str(error)


def refusal(error: Exception, broker: str, ca_file: Path | None) -> str:
    """Return what was wrong with a TLS connection to ``broker``, and what to do.

    Empty if the error has nothing to do with TLS, such as a broker that is not there.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker {broker} is not trusted: {_verdict(error, ca_file)}"
    no_tls = isinstance(error, GreetingEnded)
    if not (no_tls or isinstance(error, ssl.SSLError)):
        return ""
    words = getattr(error, "reason", None)
    if no_tls or words in _NO_TLS:
        return (
            f"what listens at {broker} does not speak TLS: take its TLS port (8883 as a rule),"
            " or mqtt:// instead of mqtts://"
        )
    said = (words or str(error)).replace("_", " ").lower()
    if "certificate" in said:
        return (
            f"the broker {broker} does not accept our certificate ({said}): it asks for one that"
            " its client CA has signed"
        )
    return f"no TLS connection to the broker {broker}: {said}"


def _verdict(error: ssl.SSLCertVerificationError, ca_file: Path | None) -> str:
    if error.verify_code in _OTHER_NAME:
        return (
            f"{error.verify_message} Connect under a name that the certificate has, or have one"
            " issued for this name"
        )
    if error.verify_code == _EXPIRED:
        return (
            "its certificate has expired. Renew it at the broker; if it is good still, set the"
            " clock of this machine"
        )
    if error.verify_code == _NOT_YET_VALID:
        return "its certificate is not valid yet. Set the clocks of this machine and the broker's"
    if error.verify_code in _UNKNOWN_AUTHORITY:
        known = f"the authorities in {ca_file}" if ca_file else "this system's authorities"
        return (
            f"its certificate was signed by none of {known} ({error.verify_message})."
            " Set MQTT_CA_FILE to the certificate of the CA that signed it"
        )
    return error.verify_message
