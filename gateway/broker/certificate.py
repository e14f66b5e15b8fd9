"""The embedded broker's certificate: read when it starts, and again when the files change."""

import logging
import ssl
from pathlib import Path
from typing import Final

from cart.kernel.errors import InvalidInput
from gateway.settings import MqttSettings
from gateway.wire.tls import present_certificate, server_context

logger = logging.getLogger(__name__)

# A renewed certificate is shown within this; authorities renew days before the old one ends.
REREAD_S: Final = 30.0


class Certificate:
    """What the TLS listener shows, and whom it asks for a certificate of their own."""

    def __init__(self, cert_file: Path, key_file: Path | None, client_ca_file: Path | None) -> None:
        """Read the files.

        Raises:
            InvalidInput: one is missing or is not what it should be.
        """
        self._cert_file, self._key_file = cert_file, key_file
        self._client_ca_file = client_ca_file
        self._stamp = self._look()
        self.context = self._read()

    @classmethod
    def of(cls, settings: MqttSettings) -> "Certificate | None":
        """Return the one that the settings name, None without one."""
        if settings.mqtt_tls_cert_file is None:
            return None
        return cls(
            settings.mqtt_tls_cert_file,
            settings.mqtt_tls_key_file,
            settings.mqtt_tls_client_ca_file,
        )

    def renew(self) -> bool:
        """Show the certificate that lies there now; say whether it is another one.

        Connections that stand go on. Files that cannot be used are reported and passed over.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self._read()  # a certificate without its key must not spoil the good context
            present_certificate(self.context, self._cert_file, self._key_file)
        except InvalidInput as error:
            logger.error("the broker goes on with its former certificate: %s", error.message)  # noqa: TRY400
            return False
        logger.info("the broker shows the certificate that was renewed")
        return True

    def _read(self) -> ssl.SSLContext:
        return server_context(self._cert_file, self._key_file, self._client_ca_file)

    def _look(self) -> list[tuple[int, int]]:
        found = []
        for path in filter(None, (self._cert_file, self._key_file)):
            try:
                status = path.stat()
            except OSError:  # between two files of a renewal; the next look sees it
                continue
            found.append((status.st_mtime_ns, status.st_ino))
        return found
