"""Certificates of a test's own authority, as files; made by trustme."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Pair:
    """A certificate with its chain, and its key, both PEM."""

    cert_file: Path
    key_file: Path


class Authority:
    """Issues into a folder; ``ca_file`` is what a client has to be given to believe it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # Mosquitto gives up root before it reads
        self._folder = folder
        self._ca = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca_file))

    def issue(self, *names: str, name: str = "server", until: datetime | None = None) -> Pair:
        """Return a certificate for these names, over the one of this file name before."""
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.cert_file.unlink(missing_ok=True)
        made = self._ca.issue_cert(*names, not_after=until)
        made.private_key_pem.write_to_path(str(pair.key_file))
        for part in made.cert_chain_pems:
            part.write_to_path(str(pair.cert_file), append=True)
        pair.key_file.chmod(0o644)
        return pair

    def issue_to(self, device_id: str) -> Pair:
        """Return a device's own certificate: its common name is the device's id."""
        pair = Pair(self._folder / f"{device_id}.pem", self._folder / f"{device_id}.key")
        made = self._ca.issue_cert(f"{device_id}.devices.example", common_name=device_id)
        made.private_key_pem.write_to_path(str(pair.key_file))
        made.cert_chain_pems[0].write_to_path(str(pair.cert_file))
        return pair
